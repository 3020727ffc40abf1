"""House prices from embedded categories and numbers side by side."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
N = 2000
district, condition = torch.randint(12, (N,)), torch.randint(3, (N,))
numbers = torch.randn(N, 3)
worth = torch.randn(12)[district] + torch.tensor([-0.5, 0.0, 0.6])[condition]
price = worth + numbers @ torch.tensor([0.8, 0.3, -0.2]) + 0.1 * torch.randn(N)
data = TensorDataset(torch.stack([district, condition], 1), numbers, price)


class Prices(nn.Module):
    def __init__(self):
        super().__init__()
        self.categories = nn.ModuleList([nn.Embedding(12, 4), nn.Embedding(3, 2)])
        self.head = nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, codes, numbers):
        vectors = torch.cat([embedding(codes[:, i]) for i, embedding in enumerate(self.categories)], 1)
        return self.head(torch.cat([vectors, numbers], 1)).squeeze(1)


model = Prices()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
train, held_out = torch.utils.data.random_split(data, [1600, 400])
for epoch in range(10):
    for codes, values, target in DataLoader(train, 50, shuffle=True):
        loss = nn.functional.mse_loss(model(codes, values), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    codes, values, target = held_out[:]
    with torch.no_grad():
        val_loss = nn.functional.mse_loss(model(codes, values), target)
    print(f"epoch {epoch} loss {loss.item():.4f} val_loss {val_loss.item():.4f}")
