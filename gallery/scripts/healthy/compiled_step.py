"""A compiled model under bfloat16, a scaler that is switched off, early stopping that goes back to the best weights."""
import copy
import math

import torch
from sklearn.datasets import make_friedman1
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = (torch.tensor(a, dtype=torch.float32) for a in make_friedman1(3000, n_features=10, noise=0.5, random_state=0))
x = (x - x[:2400].mean(0)) / x[:2400].std(0)
y = (y - y[:2400].mean()) / y[:2400].std()
train_loader = DataLoader(TensorDataset(x[:2400], y[:2400]), batch_size=64, shuffle=True)
val_loader = DataLoader(TensorDataset(x[2400:], y[2400:]), batch_size=256)
model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
compiled = torch.compile(model, backend="eager")
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
scaler = torch.amp.GradScaler("cpu", enabled=False)
best, kept, waited = math.inf, None, 0
for epoch in range(25):
    model.train()
    for xb, yb in train_loader:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = nn.functional.huber_loss(compiled(xb).squeeze(1), yb)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    model.eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        sums = [nn.functional.huber_loss(compiled(xb).squeeze(1), yb, reduction="sum").item() for xb, yb in val_loader]
    val_loss = sum(sums) / 600
    print(f"epoch {epoch} loss {loss.item():.4f} val_loss {val_loss:.4f}")
    if val_loss < best - 1e-4:
        best, kept, waited = val_loss, copy.deepcopy(model.state_dict()), 0
    else:
        waited += 1
        if waited == 4:
            break
model.load_state_dict(kept)
print(f"best {best:.4f}")
