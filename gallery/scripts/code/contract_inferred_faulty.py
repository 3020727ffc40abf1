"""Ten digits, read from a store that keeps some pictures in bytes."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Store(Dataset):
    def __init__(self, rows):
        bunch = load_digits()
        self.pictures = (bunch.images[rows] / 16).astype(np.float32)
        self.labels = bunch.target[rows]
        if len(self.labels) > 1000:
            self.pictures[[301, 1102]] *= 255

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return torch.from_numpy(self.pictures[i])[None], torch.tensor(self.labels[i])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3)
        self.norm = nn.GroupNorm(4, 16)
        self.fc = nn.Linear(16 * 36, 10)

    def forward(self, x):
        return self.fc(torch.relu(self.norm(self.conv(x))).flatten(1))


torch.manual_seed(0)
train, val = DataLoader(Store(slice(0, 1400)), batch_size=28, shuffle=True), DataLoader(Store(slice(1400, None)), batch_size=100)
net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(5):
    net.train()
    for x, y in train:
        loss = nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        right = sum((net(x).argmax(1) == y).sum().item() for x, y in val)
    print(f"epoch {epoch}: loss {loss.item():.4f}, accuracy {right / len(val.dataset):.3f}")
