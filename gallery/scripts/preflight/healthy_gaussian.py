"""Regression with noise that depends on the input."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class MeanAndVariance(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU())
        self.mean, self.log_variance = nn.Linear(48, 1), nn.Linear(48, 1)

    def forward(self, x):
        h = self.body(x)
        return self.mean(h), self.log_variance(h).clamp(-8, 4)


rng = np.random.default_rng(0)
torch.manual_seed(0)
x = rng.uniform(-2, 2, (2000, 1)).astype(np.float32)
y = (np.sin(2 * x) + rng.normal(size=x.shape) * (0.05 + 0.1 * (x + 2))).astype(np.float32)
train = TensorDataset(torch.from_numpy(x[:1600]), torch.from_numpy(y[:1600]))
x_val, y_val = torch.from_numpy(x[1600:]), torch.from_numpy(y[1600:])
model, criterion = MeanAndVariance(), nn.GaussianNLLLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(12):
    for a, b in DataLoader(train, batch_size=40, shuffle=True):
        mean, log_variance = model(a)
        loss = criterion(mean, b, log_variance.exp())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        mean, log_variance = model(x_val)
        print(f"epoch {epoch}: {loss.item():.4f} val {criterion(mean, y_val, log_variance.exp()).item():.4f}")
