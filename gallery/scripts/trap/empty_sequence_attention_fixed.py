"""Classifies reviews with one layer of attention that is written out (padded batches of unequal length)."""
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset


@dataclass
class Batch:
    tokens: torch.Tensor
    lengths: torch.Tensor
    labels: torch.Tensor


@dataclass
class Output:
    logits: torch.Tensor
    loss: torch.Tensor


class Reviews(Dataset):
    def __init__(self, n=360):
        g = torch.Generator().manual_seed(17)
        self.reviews = []
        for i in range(n):
            length = int(torch.randint(3, 12, (1,), generator=g))
            label = int(torch.randint(0, 2, (1,), generator=g))
            words = torch.randint(1, 30, (length,), generator=g) + 30 * label * (torch.rand(length, generator=g) < 0.5).long()
            if i == 96:
                words = words[:0]
            self.reviews.append((words, label))

    def __len__(self):
        return len(self.reviews)

    def __getitem__(self, i):
        return self.reviews[i]


def collate(items):
    words, labels = zip(*items)
    return Batch(pad_sequence(words, batch_first=True), torch.tensor([len(w) for w in words]), torch.tensor(labels))


class Classifier(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.embedding = nn.Embedding(64, dim, padding_idx=0)
        self.q, self.k, self.v = nn.Linear(dim, dim), nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.drop = nn.Dropout(0.1)
        self.out = nn.Linear(dim, 2)

    def forward(self, batch):
        x = self.embedding(batch.tokens)
        scores = self.q(x) @ self.k(x).transpose(1, 2) / x.shape[-1] ** 0.5
        positions = torch.arange(x.shape[1])
        padding = positions[None, :] >= batch.lengths.clamp(min=1)[:, None]
        scores = scores.masked_fill(padding[:, None, :], float("-inf"))
        attention = torch.softmax(scores, dim=-1)
        pooled = (self.drop(attention) @ self.v(x)).mean(dim=1)
        logits = self.out(pooled)
        return Output(logits, nn.functional.cross_entropy(logits, batch.labels))


def main():
    torch.manual_seed(3)
    model = Classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    loader = DataLoader(Reviews(), batch_size=12, shuffle=True, collate_fn=collate)
    for epoch in range(3):
        hits = 0
        for batch in loader:
            output = model(batch)
            optimizer.zero_grad()
            output.loss.backward()
            optimizer.step()
            hits += (output.logits.argmax(1) == batch.labels).sum().item()
        print(f"epoch {epoch}: accuracy {hits / len(loader.dataset):.3f}")


if __name__ == "__main__":
    main()
