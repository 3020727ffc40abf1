"""A few noisy examples and a wide network."""
import torch
from sklearn.datasets import make_classification
from torch import nn

torch.manual_seed(0)
X, y = make_classification(3000, 40, n_informative=6, n_redundant=0, flip_y=0.15, class_sep=1.2, random_state=2)
X = torch.tensor(X, dtype=torch.float32)
X = (X - X.mean(0)) / X.std(0)
y = torch.tensor(y, dtype=torch.float32)
n_train = 150
X_train, y_train = X[:n_train], y[:n_train]
X_val, y_val = X[2000:], y[2000:]
model = nn.Sequential(nn.Linear(40, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(60):
    model.train()
    epoch_loss = 0.0
    batches = torch.randperm(n_train).split(10)
    for rows in batches:
        optimizer.zero_grad()
        loss = criterion(model(X_train[rows]).squeeze(1), y_train[rows])
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() / len(batches)
    model.eval()
    with torch.no_grad():
        logits = model(X_val).squeeze(1)
        val_loss = criterion(logits, y_val).item()
        accuracy = ((logits > 0) == (y_val > 0.5)).float().mean().item()
    print(f"epoch {epoch} train_loss {epoch_loss:.4f} val_loss {val_loss:.4f} val_accuracy {accuracy:.3f}")
