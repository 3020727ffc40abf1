import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc1 = nn.Linear(32 * 4, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc2(x)


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        out = model(x)
    model.train()
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


torch.manual_seed(4)
bunch = load_digits()
x = torch.tensor(bunch.images, dtype=torch.float32)[:, None] / 16
y = torch.tensor(bunch.target)
order = torch.randperm(len(y))
x, y = x[order], y[order]
model = ConvNet()
optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
for epoch in range(10):
    for rows in torch.randperm(1400).split(50):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    val_loss, val_accuracy = accuracy(model, x[1400:], y[1400:])
    print(f"{epoch} loss {loss.item():.4f} val {val_loss:.4f} accuracy {val_accuracy:.3f}")
