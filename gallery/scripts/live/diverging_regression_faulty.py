import numpy as np
import torch
from sklearn.datasets import make_regression

rng = np.random.default_rng(0)
torch.manual_seed(0)
X, y = make_regression(1200, 30, n_informative=10, noise=5.0, random_state=0)
X = torch.tensor(X, dtype=torch.float32)
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)
X_train, y_train, X_val, y_val = X[:960], y[:960], X[960:], y[960:]

weights = torch.zeros(30, requires_grad=True)
bias = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([weights, bias], lr=0.55)

for epoch in range(12):
    for rows in np.array_split(rng.permutation(960), 30):
        rows = torch.from_numpy(rows)
        optimizer.zero_grad()
        loss = torch.mean((X_train[rows] @ weights + bias - y_train[rows]) ** 2)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        val_loss = torch.mean((X_val @ weights + bias - y_val) ** 2)
    print(f"epoch {epoch:2d}: train {loss.item():.5g}, validation {val_loss.item():.5g}")
