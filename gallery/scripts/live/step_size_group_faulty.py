"""Separate learning rates for the body and the head."""
import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(6)
X, y = make_classification(3000, 24, n_informative=12, n_classes=5, class_sep=1.5, random_state=6)
X = torch.tensor(X, dtype=torch.float32)
X = (X - X.mean(0)) / X.std(0)
y = torch.tensor(y)
body = nn.Sequential(nn.Linear(24, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU())
head = nn.Linear(96, 5)
model = nn.Sequential(body, head)
optimizer = torch.optim.Adam([
    {"params": body.parameters(), "lr": 1e-7},
    {"params": head.parameters(), "lr": 1e-3},
])
loader = DataLoader(TensorDataset(X[:2400], y[:2400]), batch_size=60, shuffle=True)
for epoch in range(8):
    model.train()
    for step, (xb, yb) in enumerate(loader, start=1):
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        logits = model(X[2400:])
        val_loss = nn.functional.cross_entropy(logits, y[2400:])
    print(f"epoch {epoch} loss {loss.item():.4f} val {val_loss.item():.4f} "
          f"acc {(logits.argmax(1) == y[2400:]).float().mean().item():.4f}")
