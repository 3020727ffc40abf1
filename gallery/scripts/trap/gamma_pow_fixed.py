"""Digits from noisy scans; pictures are gamma-corrected inside the network."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Scans(Dataset):
    """Bars at four angles. Values lie in 0..1, or so the scanner's manual says."""

    def __init__(self, n=400):
        g = torch.Generator().manual_seed(44)
        grid = torch.linspace(-1, 1, 12)
        y, x = torch.meshgrid(grid, grid, indexing="ij")
        self.label = torch.randint(0, 4, (n,), generator=g)
        angle = self.label[:, None, None] * 0.785
        line = (x * torch.cos(angle) + y * torch.sin(angle)).abs() < 0.3
        self.image = (0.6 * line + 0.3 * torch.rand(n, 12, 12, generator=g))[:, None]
        self.image[301, 0, 4, 7] = -0.02

    def __len__(self):
        return len(self.label)

    def __getitem__(self, i):
        return self.image[i], self.label[i]


class Gamma(nn.Module):
    def forward(self, image):
        return image.clamp(min=1e-4) ** 0.45


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.gamma = Gamma()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 12, 3, stride=2)
        self.bn2 = nn.BatchNorm2d(12)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(300, 4)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(self.gamma(x))))
        x = F.relu(self.bn2(self.conv2(x)))
        x = self.dropout(x.flatten(1))
        return self.fc(x)


def train(model, device, loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(data), target)
        loss.backward()
        optimizer.step()
        if batch_idx % 10 == 0:
            print(f"Train Epoch: {epoch} [{batch_idx * len(data)}/{len(loader.dataset)}]\tLoss: {loss.item():.6f}")


def main():
    torch.manual_seed(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    loader = DataLoader(Scans(), batch_size=16, shuffle=True)
    model = CNN().to(device)
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    for epoch in range(1, 3):
        train(model, device, loader, optimizer, epoch)
        scheduler.step()


if __name__ == "__main__":
    main()
