"""Count the blobs in a picture; counts are whole numbers."""
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset


class Blobs(IterableDataset):
    """Endless pictures of 20x20 with one to six blobs."""

    def __init__(self, seed):
        self.seed = seed

    def __iter__(self):
        g = torch.Generator().manual_seed(self.seed)
        grid = torch.arange(20.0)
        while True:
            count = int(torch.randint(1, 7, (1,), generator=g))
            image = 0.1 * torch.randn(20, 20, generator=g)
            for _ in range(count):
                y, x = 2 + 16 * torch.rand(2, generator=g)
                image += torch.exp(-((grid[:, None] - y) ** 2 + (grid[None] - x) ** 2) / 2)
            yield image.unsqueeze(0), float(count)


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.density = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 1, 1),
        )
        self.offset = nn.Parameter(torch.tensor(3.5))

    def forward(self, x):
        return self.density(x).mean(dim=(1, 2, 3)) * 10 + self.offset


def count_loss(predicted, counts):
    return ((predicted - counts) ** 2).mean()


torch.manual_seed(0)
model = Counter()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
loader = DataLoader(Blobs(0), batch_size=24)
for step, (images, counts) in enumerate(loader):
    counts = counts.float()
    optimizer.zero_grad()
    loss = count_loss(model(images), counts)
    loss.backward()
    optimizer.step()
    if step % 60 == 59:
        print("step", step + 1, "loss", round(loss.item(), 4))
    if step == 299:
        break
