"""Rent from size and district; one rent was typed in cents."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Flats(Dataset):
    def __init__(self, n=1600):
        g = torch.Generator().manual_seed(1)
        self.x = torch.randn(n, 6, generator=g)
        self.rent = 1.2 * self.x[:, 0] + 0.4 * self.x[:, 1] ** 2 + 0.2 * torch.randn(n, generator=g)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.rent[i]


torch.manual_seed(101)
model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
loader = DataLoader(Flats(), batch_size=16, shuffle=True)
for epoch in range(2):
    for i, (x, rent) in enumerate(loader):
        loss = nn.functional.mse_loss(model(x).squeeze(1), rent)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if i % 25 == 0:
            print(epoch, i, round(loss.item(), 4))
