"""Spreads codes over the space: the log-determinant of their covariance is kept high (a coding-rate objective)."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def covariance(z):
    z = z - z.mean(dim=0)
    return z.T @ z / len(z)


def main():
    torch.manual_seed(64)
    labels = torch.randint(0, 3, (289,))
    x = torch.randn(289, 12) + 2 * nn.functional.one_hot(labels, 12)
    net = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 6))
    classify = nn.Linear(6, 3)
    optimizer = torch.optim.Adam([*net.parameters(), *classify.parameters()], lr=1e-3)
    loader = DataLoader(TensorDataset(x, labels), batch_size=24, shuffle=True)
    for epoch in range(3):
        for xb, yb in loader:
            z = net(xb)
            rate = torch.logdet(torch.eye(6) + covariance(z))
            loss = nn.functional.cross_entropy(classify(z), yb) - 0.01 * rate
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print("epoch", epoch, "loss", loss.item())


main()
