"""Contrastive learning of two views of the same table row."""
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional as F


class Encoder(nn.Module):
    def __init__(self, n_in=30, dim=32):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(n_in, 64), nn.GELU(), nn.Linear(64, 64))
        self.head = nn.Sequential(nn.Linear(64, 64, bias=False), nn.LayerNorm(64), nn.GELU(), nn.Linear(64, dim))

    def forward(self, x):
        return F.normalize(self.head(self.backbone(x)), dim=1)


def view(x):
    return x + 0.4 * torch.randn_like(x)


def info_nce(a, b, temperature=0.2):
    logits = a @ b.T / temperature
    return F.cross_entropy(logits, torch.arange(len(a)))


def main():
    torch.manual_seed(0)
    x = torch.tensor(StandardScaler().fit_transform(load_breast_cancer().data), dtype=torch.float32)
    model = Encoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(4):
        total, n = 0.0, 0
        for rows in torch.randperm(len(x)).split(4):
            if len(rows) < 4:
                continue
            loss = info_nce(model(view(x[rows])), model(view(x[rows])))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total, n = total + loss.item(), n + 1
        print(f"epoch {epoch}: {total / n:.4f}")


if __name__ == "__main__":
    main()
