import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_data():
    torch.manual_seed(11)
    x = torch.randn(800, 12)
    w = torch.randn(12)
    y = (x @ w + 0.3 * torch.randn(800) > 0).float()
    # one transaction of a very rich customer
    x[613] = x[613].sign() * 400
    y[613] = 1 - (x[613] @ w > 0).float()
    return TensorDataset(x, y)


def binary_cross_entropy(p, y):
    p = p.clamp(1e-6, 1 - 1e-6)
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p)).mean()


def train(model, loader, epochs):
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(epochs):
        correct = 0
        for xb, yb in loader:
            p = torch.sigmoid(model(xb)).squeeze(1)
            loss = binary_cross_entropy(p, yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            correct += ((p > 0.5) == (yb > 0.5)).sum().item()
        print("epoch", epoch, "accuracy", correct / len(loader.dataset))


def main():
    data = make_data()
    loader = DataLoader(data, batch_size=20, shuffle=True, generator=torch.Generator().manual_seed(5))
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 1))
    train(model, loader, 4)


if __name__ == "__main__":
    main()
