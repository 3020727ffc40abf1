"""Reads short lines of writing with CTC. In one line the text has more letters than the picture has columns."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Lines(Dataset):
    columns = 16

    def __init__(self, n=256):
        g = torch.Generator().manual_seed(83)
        self.items = []
        for i in range(n):
            letters = 4 if i != 137 else 20
            text = torch.randint(1, 6, (letters,), generator=g)
            strokes = torch.zeros(self.columns, 6)
            for k, letter in enumerate(text.tolist()):
                strokes[min(4 * k + 1, self.columns - 1), letter] = 1.0
            self.items.append((strokes + 0.2 * torch.randn(self.columns, 6, generator=g), text))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def collate(items):
    pictures = torch.stack([p for p, _ in items])
    texts = [t for _, t in items]
    return pictures, torch.cat(texts), torch.tensor([len(t) for t in texts])


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(6, 24, 3, padding=1)
        self.out = nn.Linear(24, 6)

    def forward(self, pictures):
        h = torch.relu(self.conv(pictures.transpose(1, 2)))
        return self.out(h.transpose(1, 2)).log_softmax(dim=-1)


def main():
    torch.manual_seed(2)
    model = Reader()
    ctc = nn.CTCLoss(zero_infinity=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(4):
        for pictures, texts, lengths in DataLoader(Lines(), batch_size=8, shuffle=True, collate_fn=collate):
            log_probs = model(pictures).transpose(0, 1)
            columns = torch.full((len(lengths),), Lines.columns)
            loss = ctc(log_probs, texts, columns, lengths)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print("epoch", epoch, "loss", loss.item())


if __name__ == "__main__":
    main()
