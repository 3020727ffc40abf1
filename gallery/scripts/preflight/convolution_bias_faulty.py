"""A residual net for small pictures: upright or sloping crosses."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def crosses(n, seed):
    g = torch.Generator().manual_seed(seed)
    images, labels = 0.5 * torch.randn(n, 1, 14, 14, generator=g), torch.randint(0, 2, (n,), generator=g)
    for image, label in zip(images, labels):
        y, x = torch.randint(3, 11, (2,), generator=g).tolist()
        for k in range(-3, 4):
            for dy, dx in (((k, 0), (0, k)) if label == 0 else ((k, k), (k, -k))):
                image[0, y + dy, x + dx] = 2.0
    return TensorDataset(images, labels)


class Block(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.conv1 = nn.Conv2d(a, b, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(b)
        self.conv2 = nn.Conv2d(b, b, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(b)
        self.skip = nn.Conv2d(a, b, 1)

    def forward(self, x):
        h = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(h)) + self.skip(x))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.block1, self.block2 = Block(1, 8), Block(8, 16)
        self.fc = nn.Linear(16, 2)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.block1(x), 2)
        return self.fc(self.block2(x).amax(dim=(2, 3)))


def main():
    torch.manual_seed(0)
    train, val = crosses(1000, 0), crosses(200, 1)
    net = ResNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(4):
        net.train()
        for x, y in DataLoader(train, batch_size=40, shuffle=True):
            loss = nn.functional.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            print(epoch, loss.item(), (net(val.tensors[0]).argmax(1) == val.tensors[1]).float().mean().item())


if __name__ == "__main__":
    main()
