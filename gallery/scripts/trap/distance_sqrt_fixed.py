"""Siamese network: signatures of the same person close together, others apart."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Signatures(Dataset):
    def __init__(self, pairs=500):
        g = torch.Generator().manual_seed(31)
        writers = torch.randn(40, 16, generator=g)
        a = torch.randint(0, 40, (pairs,), generator=g)
        same = torch.rand(pairs, generator=g) < 0.5
        b = torch.where(same, a, (a + 7) % 40)
        self.left = writers[a] + 0.2 * torch.randn(pairs, 16, generator=g)
        self.right = writers[b] + 0.2 * torch.randn(pairs, 16, generator=g)
        self.same = same.float()
        self.right[205] = self.left[205]  # the same scan twice

    def __len__(self):
        return len(self.same)

    def __getitem__(self, i):
        return (self.left[i], self.right[i]), self.same[i]


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.tower = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8, bias=False))

    def forward(self, left, right):
        u, v = self.tower(left), self.tower(right)
        return torch.sqrt(((u - v) ** 2).sum(dim=1) + 1e-8)


def contrastive(distance, same, margin=1.0):
    return (same * distance + (1 - same) * torch.relu(margin - distance)).mean()


torch.manual_seed(2)
net = Siamese()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
loader = DataLoader(Signatures(), batch_size=25, shuffle=True, num_workers=2)

for epoch in range(3):
    for (left, right), same in loader:
        optimizer.zero_grad()
        distance = net(left, right)
        loss = contrastive(distance, same)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
