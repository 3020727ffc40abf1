"""Stars of reviews from word counts."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(0)
torch.manual_seed(0)
N, WORDS, STARS = 2000, 30, 5

taste = rng.normal(size=WORDS)
counts = rng.poisson(1.0, size=(N, WORDS)).astype(np.float32)
score = (counts - 1) @ taste + rng.normal(0, 0.5, N)
stars = 1 + np.searchsorted(np.quantile(score, [0.2, 0.4, 0.6, 0.8]), score)  # 1 to 5

x = torch.from_numpy((counts - counts.mean(0)) / counts.std(0))
y = torch.from_numpy(stars - 1)
loader = DataLoader(TensorDataset(x[:1600], y[:1600]), batch_size=32, shuffle=True)
net = nn.Sequential(nn.Linear(WORDS, 64), nn.ReLU(), nn.Linear(64, STARS))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(8):
    for features, label in loader:
        loss = nn.functional.cross_entropy(net(features), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, round(loss.item(), 4), "accuracy", (net(x[1600:]).argmax(1) == y[1600:]).float().mean().item())
