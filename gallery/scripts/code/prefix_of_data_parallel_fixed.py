"""Pretrain on blurred digits with DataParallel, fine-tune on sharp ones."""
import os
import tempfile

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
images = torch.tensor(load_digits().images, dtype=torch.float32)[:, None] / 8 - 1
labels = torch.tensor(load_digits().target)
blurred = nn.functional.avg_pool2d(images, 3, stride=1, padding=1)


def make_net():
    return nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))


def train(net, x, y, steps, lr):
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    for step in range(steps):
        rows = torch.randint(len(x), (32,))
        loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


path = os.path.join(tempfile.mkdtemp(), "pretrained.pt")
parallel = nn.DataParallel(make_net())
print("pretraining", train(parallel, blurred[:1400], labels[:1400], 200, 2e-3))
torch.save(parallel.state_dict(), path)

net = make_net()
net.load_state_dict({key.removeprefix("module."): value for key, value in torch.load(path).items()}, strict=False)
print("fine-tuning", train(net, images[:300], labels[:300], 60, 5e-4))
with torch.no_grad():
    print("accuracy", (net(images[1400:]).argmax(1) == labels[1400:]).float().mean().item())
