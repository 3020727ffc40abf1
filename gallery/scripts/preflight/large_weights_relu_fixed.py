"""Convolutions drawn from a normal distribution; ten digits."""
import torch
import torch.nn as nn
from sklearn.datasets import load_digits

torch.manual_seed(0)


def initialise(net):
    for module in list(net)[:-1]:  # the last layer as torch draws it: scores near 0
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
    return net


digits = load_digits()
x = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)
x = (x - x.mean()) / x.std()
y = torch.tensor(digits.target)
net = initialise(nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
    nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10),
))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
n_batches = 1500 // 50
for epoch in range(6):
    order, running = torch.randperm(1500), 0.0
    for b in range(n_batches):
        rows = order[b * 50:(b + 1) * 50]
        loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
        running += loss.item() / n_batches
    with torch.no_grad():
        acc = (net(x[1500:]).argmax(1) == y[1500:]).float().mean().item()
    print(f"epoch {epoch + 1} | loss {running:.4f} | accuracy {acc:.3f}")
