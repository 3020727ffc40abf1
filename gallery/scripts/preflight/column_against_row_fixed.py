"""Regression on synthetic features with a plain loop."""
import torch
from sklearn.datasets import make_regression

torch.manual_seed(0)
X, y = make_regression(n_samples=1200, n_features=12, n_informative=6, noise=5.0, random_state=1)
X = torch.tensor(X, dtype=torch.float32)
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)
X_train, y_train, X_val, y_val = X[:1000], y[:1000], X[1000:], y[1000:]

model = torch.nn.Sequential(torch.nn.Linear(12, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1))
loss_fn = torch.nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(20):
    for rows in torch.randperm(1000).split(40):
        loss = loss_fn(model(X_train[rows]), y_train[rows].unsqueeze(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        with torch.no_grad():
            error = (model(X_val).squeeze(1) - y_val).pow(2).mean()
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}, validation error {error.item():.4f}")
