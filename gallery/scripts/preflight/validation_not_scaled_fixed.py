"""Wine quality as in a table with columns of very different size: train and validate."""
import numpy as np
import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.utils.data import DataLoader, Dataset


class TableDataset(Dataset):
    def __init__(self, x, y):
        self.x, self.y = x.astype(np.float32), y

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class Standard:
    def fit(self, x):
        self.mean, self.std = x.mean(axis=0), x.std(axis=0)
        return self

    def __call__(self, x):
        return (x - self.mean) / self.std


def loaders(batch_size):
    x, y = make_classification(2400, 10, n_informative=6, class_sep=1.3, random_state=4)
    x = 3 + 2 * x
    scale = Standard().fit(x[:2000])
    train, val = TableDataset(scale(x[:2000]), y[:2000]), TableDataset(scale(x[2000:]), y[2000:])
    return DataLoader(train, batch_size=batch_size, shuffle=True), DataLoader(val, batch_size=200)


def evaluate(model, loader, criterion):
    model.eval()
    losses, right = [], 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            losses.append(criterion(out, y).item())
            right += (out.argmax(1) == y).sum().item()
    model.train()
    return np.mean(losses), right / len(loader.dataset)


if __name__ == "__main__":
    torch.manual_seed(0)
    train_loader, val_loader = loaders(50)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
    criterion, optimizer = nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), lr=1e-3)
    print("before: loss %.3f accuracy %.3f" % evaluate(model, val_loader, criterion))
    for epoch in range(8):
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        print("epoch %d: loss %.3f accuracy %.3f" % (epoch, *evaluate(model, val_loader, criterion)))
