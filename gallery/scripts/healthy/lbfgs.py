"""A sum of three bumps fitted by a small network with L-BFGS."""
import torch
from torch import nn

torch.manual_seed(0)
x = torch.linspace(-3, 3, 240).unsqueeze(1)
y = torch.exp(-((x + 1.5) ** 2) * 3) + 0.7 * torch.exp(-(x**2) * 4) - 0.5 * torch.exp(-((x - 1.6) ** 2) * 2)
y_noisy = y + 0.02 * torch.randn_like(y)
train_rows = torch.arange(240) % 4 != 0
model = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.LBFGS(model.parameters(), lr=1.0, max_iter=10, history_size=20, line_search_fn="strong_wolfe")

for iteration in range(20):

    def closure():
        optimizer.zero_grad()
        loss = criterion(model(x[train_rows]), y_noisy[train_rows])
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    with torch.no_grad():
        val_loss = criterion(model(x[~train_rows]), y_noisy[~train_rows])
    print(f"iteration {iteration:2d} loss {loss.item():.6f} validation {val_loss.item():.6f}")
