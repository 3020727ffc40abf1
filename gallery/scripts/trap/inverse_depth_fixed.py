"""Depth from features: compares inverse depths. Where the laser saw nothing it wrote 0."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Rooms(Dataset):
    def __init__(self, n=270):
        g = torch.Generator().manual_seed(61)
        far = torch.rand(n, 1, 1, 1, generator=g) * 3 + 1
        slope = torch.linspace(0, 1, 8).view(1, 1, 8, 1)
        self.depth = far + slope + 0.02 * torch.randn(n, 1, 8, 8, generator=g)
        self.rgb = torch.cat([1 / self.depth, self.depth * 0.2], dim=1) + 0.02 * torch.randn(n, 2, 8, 8, generator=g)
        self.depth[149, 0, 2, 5] = 0.0

    def __len__(self):
        return len(self.depth)

    def __getitem__(self, i):
        return self.rgb[i], self.depth[i]


class DepthNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(2, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 2, 1))

    def forward(self, rgb):
        inverse, confidence = self.net(rgb).chunk(2, dim=1)
        return inverse, torch.sigmoid(confidence)


def step(model, batch):
    rgb, depth = batch
    inverse, confidence = model(rgb)
    wanted = 1.0 / depth.clamp(min=0.1)
    error = (inverse - wanted).abs()
    return error.mean() + 0.01 * (confidence - torch.exp(-error.detach())).pow(2).mean()


model = None
if __name__ == "__main__":
    torch.manual_seed(18)
    model = DepthNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    loader = DataLoader(Rooms(), batch_size=9, shuffle=True)
    for epoch in range(3):
        for batch in loader:
            optimizer.zero_grad()
            loss = step(model, batch)
            loss.backward()
            optimizer.step()
        print(f"{epoch}: {loss:.4f}")
