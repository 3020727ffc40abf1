"""Digits with all that regularises."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def mixup(x, y, alpha=0.2):
    share = float(np.random.beta(alpha, alpha))
    other = torch.randperm(len(x))
    return share * x + (1 - share) * x[other], y, y[other], share


def main():
    np.random.seed(0)
    torch.manual_seed(0)
    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x, dtype=torch.float32) / 8 - 1, torch.tensor(y)
    model = nn.Sequential(
        nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.4), nn.Linear(128, 128), nn.ReLU(), nn.Dropout(0.4),
        nn.Linear(128, 128), nn.ReLU(), nn.Dropout(0.4), nn.Linear(128, 10),
    )
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    for epoch in range(8):
        model.train()
        for a, b in DataLoader(TensorDataset(x[:1500], y[:1500]), batch_size=50, shuffle=True):
            mixed, one, two, share = mixup(a, b)
            out = model(mixed)
            loss = share * criterion(out, one) + (1 - share) * criterion(out, two)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            print(epoch, loss.item(), (model(x[1500:]).argmax(1) == y[1500:]).float().mean().item())


main()
