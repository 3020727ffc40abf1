"""Boxes as shares of the picture; in one annotation they are in pixels of a very large scan."""
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


@dataclass
class Sample:
    features: torch.Tensor
    box: torch.Tensor
    label: torch.Tensor


class Scans(Dataset):
    def __init__(self, n=1300):
        g = torch.Generator().manual_seed(81)
        self.features = torch.randn(n, 14, generator=g)
        self.boxes = torch.sigmoid(self.features[:, :4] + 0.2 * torch.randn(n, 4, generator=g))
        self.labels = (self.features[:, 5] > 0).long()
        self.boxes[1011] *= 12000

    def __len__(self):
        return len(self.features)

    def __getitem__(self, i):
        return Sample(self.features[i], self.boxes[i], self.labels[i])


def collate(samples):
    return Sample(*(torch.stack([getattr(s, name) for s in samples]) for name in ("features", "box", "label")))


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(14, 32), nn.ReLU())
        self.box = nn.Linear(32, 4)
        self.label = nn.Linear(32, 2)

    def losses(self, batch):
        h = self.trunk(batch.features)
        return {
            "box": nn.functional.smooth_l1_loss(self.box(h), batch.box),
            "label": nn.functional.cross_entropy(self.label(h), batch.label),
        }


class Trainer:
    def __init__(self, head, loader):
        self.head, self.loader = head, loader
        self.optimizer = torch.optim.RMSprop(head.parameters(), lr=1e-3)

    def epoch(self):
        for batch in self.loader:
            losses = self.head.losses(batch)
            total = losses["box"] + losses["label"]
            self.optimizer.zero_grad()
            total.backward()
            self.optimizer.step()
        return {name: value.item() for name, value in losses.items()}


if __name__ == "__main__":
    torch.manual_seed(82)
    trainer = Trainer(Head(), DataLoader(Scans(), batch_size=13, shuffle=True, collate_fn=collate))
    for epoch in range(2):
        print(epoch, trainer.epoch())
