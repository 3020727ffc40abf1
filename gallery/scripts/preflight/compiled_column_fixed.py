"""A compiled regression: the network gives a column, the targets are a row of numbers."""
import torch
from sklearn.datasets import make_friedman1
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = (torch.tensor(a, dtype=torch.float32) for a in make_friedman1(2000, n_features=10, noise=0.5, random_state=0))
x, y = (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()
train_loader = DataLoader(TensorDataset(x[:1600], y[:1600]), batch_size=64, shuffle=True)
model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 1))
compiled = torch.compile(model, backend="eager")
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for epoch in range(8):
    for xb, yb in train_loader:
        prediction = compiled(xb).squeeze(1)
        loss = nn.functional.huber_loss(prediction, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        val_loss = nn.functional.huber_loss(compiled(x[1600:]).squeeze(1), y[1600:])
    print(f"epoch {epoch} loss {loss.item():.4f} val_loss {val_loss.item():.4f}")
