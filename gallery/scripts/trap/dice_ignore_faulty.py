"""Segments blobs. Pixels near a border of the scan are marked as 'ignore'."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)


class Scans(Dataset):
    def __init__(self, n=240):
        g = torch.Generator().manual_seed(9)
        yy, xx = torch.meshgrid(torch.arange(20), torch.arange(20), indexing="ij")
        self.scans, self.masks, self.valid = [], [], []
        for i in range(n):
            cy, cx = torch.randint(5, 15, (2,), generator=g).tolist()
            mask = ((yy - cy) ** 2 + (xx - cx) ** 2 < 16).float()
            scan = mask + 0.4 * torch.randn(20, 20, generator=g)
            valid = torch.ones(20, 20)
            edge = int(torch.randint(0, 4, (1,), generator=g))
            valid[:, :edge] = 0
            if i == 158:
                valid[:] = 0
            self.scans.append(scan[None])
            self.masks.append(mask[None])
            self.valid.append(valid[None])

    def __len__(self):
        return len(self.scans)

    def __getitem__(self, i):
        return self.scans[i], self.masks[i], self.valid[i]


class UNetlet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.middle = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2))
        self.up = nn.Conv2d(24, 1, 1)

    def forward(self, x):
        a = self.down(x)
        return torch.sigmoid(self.up(torch.cat([a, self.middle(a)], dim=1)))


class DiceLoss(nn.Module):
    def __init__(self, smooth=0.0):
        super().__init__()
        self.smooth = smooth

    def forward(self, prediction, mask, valid):
        prediction, mask = prediction * valid, mask * valid
        overlap = (prediction * mask).sum(dim=(1, 2, 3))
        total = prediction.sum(dim=(1, 2, 3)) + mask.sum(dim=(1, 2, 3))
        dice = (2 * overlap + self.smooth) / (total + self.smooth)
        return 1 - dice.mean()


net = UNetlet()
criterion = DiceLoss()
optimizer = torch.optim.Adam(net.parameters(), 5e-3)
data = DataLoader(Scans(), batch_size=6, shuffle=True)

for epoch in range(2):
    net.train()
    for batch_idx, (scan, mask, valid) in enumerate(data):
        optimizer.zero_grad()
        output = net(scan)
        loss = criterion(output, mask, valid)
        loss.backward()
        optimizer.step()
        if batch_idx % 10 == 0:
            print("Epoch: {} [{}/{}]\tLoss: {:.6f}".format(epoch, batch_idx, len(data), loss.item()))
