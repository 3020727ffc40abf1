"""A deep tanh net, initialised by hand, on features of breast tumours."""
import math

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler


class DeepNet(torch.nn.Module):
    def __init__(self, n_in, width=64, depth=6):
        super().__init__()
        sizes = [n_in] + [width] * depth
        self.layers = torch.nn.ModuleList()
        for a, b in zip(sizes, sizes[1:]):
            layer = torch.nn.Linear(a, b)
            torch.nn.init.normal_(layer.weight, std=0.01)
            torch.nn.init.zeros_(layer.bias)
            self.layers.append(layer)
        self.readout = torch.nn.Linear(width, 2)

    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return self.readout(x)


if __name__ == "__main__":
    torch.manual_seed(0)
    bunch = load_breast_cancer()
    x = torch.tensor(StandardScaler().fit_transform(bunch.data), dtype=torch.float32)
    y = torch.tensor(bunch.target)
    train = torch.utils.data.TensorDataset(x[:450], y[:450])
    net = DeepNet(30)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    for epoch in range(12):
        for xb, yb in torch.utils.data.DataLoader(train, batch_size=30, shuffle=True):
            loss = torch.nn.functional.cross_entropy(net(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            print(f"{epoch} {loss.item():.4f} {(net(x[450:]).argmax(1) == y[450:]).float().mean().item():.3f}")
