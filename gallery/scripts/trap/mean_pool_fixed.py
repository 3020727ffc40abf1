"""Answers yes or no to a question: LSTM, and the mean over the words that are there."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Questions(Dataset):
    def __init__(self, size=300):
        self.rng = torch.Generator().manual_seed(86)
        self.samples = [self.make(i) for i in range(size)]

    def make(self, i):
        n = torch.randint(2, 10, (1,), generator=self.rng).item()
        ids = torch.randint(2, 50, (n,), generator=self.rng)
        label = int((ids < 26).sum() * 2 > n)
        if i == 199:
            ids = torch.tensor([0, 0, 0])  # only words that are not in the dictionary
        return ids, label

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        return self.samples[i]


class PadCollate:
    def __call__(self, batch):
        longest = max(len(ids) for ids, _ in batch)
        ids = torch.zeros(len(batch), longest, dtype=torch.long)
        for row, (words, _) in enumerate(batch):
            ids[row, :len(words)] = words
        return {"input_ids": ids, "attention_mask": (ids != 0).long(), "labels": torch.tensor([y for _, y in batch])}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(50, 12)
        self.rnn = nn.LSTM(12, 20, batch_first=True)
        self.fc = nn.Linear(20, 2)
        self.loss_fct = nn.CrossEntropyLoss()

    def forward(self, input_ids, attention_mask, labels=None):
        h, _ = self.rnn(self.emb(input_ids))
        mask = attention_mask.unsqueeze(-1).float()
        pooled = (h * mask).sum(1) / mask.sum(1).clamp(min=1.0)
        logits = self.fc(pooled)
        loss = self.loss_fct(logits, labels) if labels is not None else None
        return {"loss": loss, "logits": logits}


def train(model, dataloader, optimizer, lr_scheduler, num_epochs):
    model.train()
    for epoch in range(num_epochs):
        for batch in dataloader:
            outputs = model(**batch)
            loss = outputs["loss"]
            loss.backward()
            optimizer.step()
            lr_scheduler.step()
            optimizer.zero_grad()
        print(f"epoch {epoch}: {loss.item()}")


if __name__ == "__main__":
    torch.manual_seed(33)
    loader = DataLoader(Questions(), batch_size=10, shuffle=True, collate_fn=PadCollate(), num_workers=2)
    model = Net()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    total = 4 * len(loader)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(1.0, (s + 1) / 10) * max(0.0, 1 - s / total))
    train(model, loader, optimizer, scheduler, num_epochs=4)
