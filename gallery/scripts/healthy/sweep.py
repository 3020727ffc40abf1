"""Three short trainings with different widths and step sizes; the best by validation is kept."""
import itertools

import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_data():
    x, y = load_wine(return_X_y=True)
    x, y = torch.tensor(scale(x), dtype=torch.float32), torch.tensor(y)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    return (x[order[:130]], y[order[:130]]), (x[order[130:]], y[order[130:]])


def objective(width, lr, n_epochs=14):
    torch.manual_seed(0)
    train, (val_x, val_y) = make_data()
    model = nn.Sequential(nn.Linear(13, width), nn.ReLU(), nn.Linear(width, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=1e-3)
    for epoch in range(n_epochs):
        model.train()
        for x, y in DataLoader(TensorDataset(*train), batch_size=13, shuffle=True):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            val_loss = nn.functional.cross_entropy(model(val_x), val_y).item()
    return val_loss


if __name__ == "__main__":
    results = {}
    for width, lr in itertools.islice(itertools.product([8, 24], [2e-3, 5e-3]), 1, 4):
        results[width, lr] = objective(width, lr)
        print(f"width {width:2d} lr {lr:g}: validation loss {results[width, lr]:.4f}")
    print("best:", min(results, key=results.get))
