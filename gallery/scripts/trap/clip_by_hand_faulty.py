"""Hinge loss, and a gradient that is always brought to the same length."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def to_length(parameters, length):
    total = torch.sqrt(sum((p.grad ** 2).sum() for p in parameters))
    factor = length / total
    for p in parameters:
        p.grad.mul_(factor)


def run():
    torch.manual_seed(47)
    y = torch.randint(0, 2, (256,)).float() * 2 - 1
    x = torch.randn(256, 4) * 0.4 + y[:, None] * 1.5
    loader = DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True)
    svm = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(svm.parameters(), lr=0.1)
    for epoch in range(3):
        for xb, yb in loader:
            loss = torch.relu(1 - yb * svm(xb).squeeze(1)).mean()
            optimizer.zero_grad()
            loss.backward()
            to_length(list(svm.parameters()), 0.5)
            optimizer.step()
        print("epoch", epoch, "hinge", loss.item())


run()
