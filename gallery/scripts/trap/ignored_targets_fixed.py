"""Tags words. Padding has the label -100; two sentences a step, gradients of four steps are added up."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Sentences(Dataset):
    def __init__(self, n=352, length=9):
        g = torch.Generator().manual_seed(51)
        self.words = torch.randint(1, 40, (n, length), generator=g)
        self.tags = self.words % 5
        for i in range(n):
            known = int(torch.randint(3, length + 1, (1,), generator=g))
            self.words[i, known:] = 0
            self.tags[i, known:] = -100
        for i in (148, 149):  # two headlines whose tags were lost
            self.tags[i] = -100

    def __len__(self):
        return len(self.words)

    def __getitem__(self, i):
        return {"words": self.words[i], "tags": self.tags[i]}


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(40, 16, padding_idx=0)
        self.lstm = nn.LSTM(16, 16, batch_first=True, bidirectional=True)
        self.out = nn.Linear(32, 5)

    def forward(self, words):
        hidden, _ = self.lstm(self.embed(words))
        return self.out(hidden)


def main(accumulate=4):
    torch.manual_seed(9)
    model = Tagger()
    criterion = nn.CrossEntropyLoss(ignore_index=-100, reduction="sum")
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    loader = DataLoader(Sentences(), batch_size=2)
    for epoch in range(2):
        optimizer.zero_grad()
        for step, batch in enumerate(loader):
            scores = model(batch["words"])
            loss = criterion(scores.transpose(1, 2), batch["tags"]) / accumulate
            loss = loss / (batch["tags"] >= 0).sum().clamp(min=1)
            loss.backward()
            if (step + 1) % accumulate == 0:
                optimizer.step()
                optimizer.zero_grad()
        print("epoch", epoch, "loss", loss.item() * accumulate)


if __name__ == "__main__":
    main()
