"""Rings: the inner one against the outer one."""
import numpy as np
import torch
from sklearn.datasets import make_circles


class BinaryClassifier:
    def __init__(self, width=32, rate=0.01):
        self.net = torch.nn.Sequential(
            torch.nn.Linear(2, width), torch.nn.Tanh(), torch.nn.Linear(width, width), torch.nn.Tanh(), torch.nn.Linear(width, 1)
        )
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=rate)

    def partial_fit(self, x, y):
        self.optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(self.net(x).squeeze(-1), y)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def predict(self, x):
        with torch.no_grad():
            return (self.net(x).squeeze(-1) > 0).float()


torch.manual_seed(0)
points, inner = make_circles(1000, noise=0.08, factor=0.6, random_state=0)
points = torch.tensor(points / points.std(), dtype=torch.float32)
labels = torch.tensor(np.where(inner == 1, 1, 0), dtype=torch.float32)
classifier = BinaryClassifier()
rng = np.random.default_rng(0)
for round_ in range(300):
    rows = torch.from_numpy(rng.choice(800, 50, replace=False))
    loss = classifier.partial_fit(points[rows], labels[rows])
    if round_ % 60 == 59:
        right = (classifier.predict(points[800:]) == (labels[800:] > 0)).float().mean().item()
        print(f"round {round_ + 1} loss {loss:.4f} accuracy {right:.3f}")
