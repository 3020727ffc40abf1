"""Rare events with a weighted sampler; judged by average precision."""
import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

torch.manual_seed(0)
X, y = make_classification(6000, 20, n_informative=8, weights=[0.95], flip_y=0.005, class_sep=1.5, random_state=4)
X = ((X - X.mean(0)) / X.std(0)).astype(np.float32)
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
class_counts = np.bincount(y_train)
sampler = WeightedRandomSampler(1.0 / class_counts[y_train], num_samples=3000)
train_loader = DataLoader(
    TensorDataset(torch.from_numpy(X_train), torch.from_numpy(y_train).float()), batch_size=60, sampler=sampler
)
X_val, y_val = torch.from_numpy(X_val), torch.from_numpy(y_val).float()

model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=1.5e-3, weight_decay=0.05)
criterion = nn.BCEWithLogitsLoss()
prior_shift = float(np.log(class_counts[1] / class_counts[0]))
for epoch in range(8):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb).squeeze(1), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        logits = model(X_val).squeeze(1) + prior_shift
        val_loss = criterion(logits, y_val).item()
    print(f"epoch {epoch} loss {loss.item():.4f} val {val_loss:.4f} "
          f"average precision {average_precision_score(y_val.numpy(), logits.numpy()):.4f}")
