"""Distils votes of ten people a picture (soft labels) into a small network."""
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


def votes(n=640, people=40, classes=4):
    g = torch.Generator().manual_seed(20)
    x = torch.randn(n, 10, generator=g)
    tendency = torch.softmax(0.4 * x[:, :classes], dim=1)
    drawn = torch.multinomial(tendency, people, replacement=True, generator=g)
    counts = nn.functional.one_hot(drawn, classes).sum(dim=1).float()
    counts = counts.clamp(min=1)
    counts[507] = torch.tensor([0.0, 41.0, 1.0, 1.0])
    return x, counts / counts.sum(dim=1, keepdim=True)


class Distiller:
    def __init__(self):
        torch.manual_seed(7)
        self.student = nn.Sequential(nn.Linear(10, 24), nn.GELU(), nn.Dropout(0.1), nn.Linear(24, 4))
        self.optimizer = optim.AdamW(self.student.parameters(), lr=2e-3)
        self.loader = DataLoader(TensorDataset(*votes()), batch_size=32, shuffle=True)
        self.history = []

    def divergence(self, p, q):
        return (p * torch.log(p / q)).sum(dim=1).mean()

    def step(self, x, p):
        q = torch.softmax(self.student(x), dim=1)
        loss = self.divergence(p, q)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss

    def fit(self, epochs):
        self.student.train()
        for epoch in range(epochs):
            for x, p in self.loader:
                self.history.append(float(self.step(x, p).detach()))
            print(f"[{epoch}] KL {self.history[-1]:.4f}")


if __name__ == "__main__":
    Distiller().fit(epochs=6)
