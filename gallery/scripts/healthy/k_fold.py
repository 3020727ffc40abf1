"""Five-fold cross-validation; a new model for each fold."""
import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

torch.manual_seed(0)
X, y = load_breast_cancer(return_X_y=True)
scores = []
for fold, (train_rows, val_rows) in enumerate(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y)):
    mean, std = X[train_rows].mean(0), X[train_rows].std(0)
    data = TensorDataset(torch.tensor((X - mean) / std, dtype=torch.float32), torch.tensor(y, dtype=torch.float32))
    train_loader = DataLoader(Subset(data, train_rows), batch_size=32, shuffle=True)
    val_loader = DataLoader(Subset(data, val_rows), batch_size=len(val_rows))
    model = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(8):
        model.train()
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(xb).squeeze(1), yb)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for xb, yb in val_loader:
                logits = model(xb).squeeze(1)
                val_loss = criterion(logits, yb).item()
                accuracy = ((logits > 0) == (yb > 0.5)).float().mean().item()
    scores.append(accuracy)
    print(f"fold {fold}: loss {loss.item():.4f} val_loss {val_loss:.4f} accuracy {accuracy:.4f}")
print(f"mean {np.mean(scores):.4f} +- {np.std(scores):.4f}")
