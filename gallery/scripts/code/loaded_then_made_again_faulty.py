"""Fine-tune a stored regression net on a second measurement campaign."""
import io

import torch
from sklearn.datasets import make_friedman1
from torch import nn


class Net(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        return self.out(self.body(x)).squeeze(1)


def campaign(seed, n, shift):
    x, y = make_friedman1(n, n_features=8, noise=0.4, random_state=seed)
    return torch.tensor((x - 0.5) * 3.4, dtype=torch.float32), torch.tensor((y - 14.4) / 5 + shift, dtype=torch.float32)


def fit(model, x, y, epochs, lr):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for epoch in range(epochs):
        for rows in torch.randperm(len(x)).split(32):
            loss = nn.functional.mse_loss(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"  epoch {epoch}: {loss.item():.4f}")


def main():
    torch.manual_seed(0)
    stored = io.BytesIO()
    print("first campaign")
    model = Net()
    fit(model, *campaign(0, 1500, 0.0), epochs=6, lr=3e-3)
    torch.save(model.state_dict(), stored)

    print("second campaign")
    stored.seek(0)
    model = Net()
    model.load_state_dict(torch.load(stored))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = Net().to(device)
    fit(model, *campaign(1, 300, 0.3), epochs=4, lr=5e-4)
    x, y = campaign(2, 500, 0.3)
    with torch.no_grad():
        print("error", nn.functional.mse_loss(model(x), y).item())


main()
