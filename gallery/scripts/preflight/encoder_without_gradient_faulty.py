"""Classify two moons, folded many times, with an encoder and a head."""
import torch
from sklearn.datasets import make_moons
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU())
        self.head = nn.Linear(48, 2)

    @torch.no_grad()
    def encode(self, x):
        return self.encoder(x)

    def forward(self, x):
        return self.head(self.encode(x))


def fit(net, x, y, *, epochs, batch_size, lr):
    opt = torch.optim.Adam(net.parameters(), lr=lr)
    for epoch in range(epochs):
        losses = []
        for rows in torch.randperm(len(x)).split(batch_size):
            loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        yield epoch, sum(losses) / len(losses)


def main():
    torch.manual_seed(0)
    x, y = make_moons(1200, noise=0.1, random_state=0)
    x = torch.tensor(2 * (x - x.mean(0)) / x.std(0), dtype=torch.float32)
    y = torch.tensor(y)
    net = Net()
    for epoch, loss in fit(net, x[:1000], y[:1000], epochs=12, batch_size=40, lr=5e-3):
        accuracy = (net(x[1000:]).argmax(1) == y[1000:]).float().mean().item()
        print(f"{epoch} {loss:.4f} {accuracy:.3f}")


if __name__ == "__main__":
    main()
