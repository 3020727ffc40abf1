"""Tabular classification with concatenated ReLUs."""
import torch
from sklearn.datasets import make_classification
from torch import nn


class CReLU(nn.Module):
    """The positive and the negative part, side by side."""

    def forward(self, x):
        return torch.cat([torch.relu(x), torch.relu(-x)], dim=1)


class Model(nn.Module):
    def __init__(self, n_features, n_classes):
        super().__init__()
        self.stem = nn.Linear(n_features, 24)
        self.act = CReLU()
        self.mid = nn.Linear(48, 24)
        self.act2 = CReLU()
        self.head = nn.Linear(48, n_classes)

    def forward(self, x):
        return self.head(self.act2(self.mid(self.act(self.stem(x)))))


def load(seed):
    x, y = make_classification(2000, 16, n_informative=8, n_classes=4, random_state=seed)
    x = torch.tensor((x - x.mean(0)) / x.std(0), dtype=torch.float32)
    return x, torch.tensor(y)


def main(seed=0):
    torch.manual_seed(seed)
    x, y = load(seed)
    model = Model(16, 4)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x[:1600], y[:1600]), 40, shuffle=True)
    for epoch in range(10):
        model.train()
        for xb, yb in loader:
            loss = nn.functional.cross_entropy(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            print("epoch %d loss %.3f accuracy %.3f" % (epoch, loss, (model(x[1600:]).argmax(1) == y[1600:]).float().mean()))


if __name__ == "__main__":
    main()
