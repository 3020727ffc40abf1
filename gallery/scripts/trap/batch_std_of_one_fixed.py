"""Keeps the embeddings from collapsing: their deviation over the batch should be one (hinge), next to a classifier."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(5)
g = torch.Generator().manual_seed(6)
y = torch.randint(0, 4, (401,), generator=g)
x = torch.randn(401, 16, generator=g) + 2 * F.one_hot(y, 16)

loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True, drop_last=True)
encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8))
head = nn.Linear(8, 4)
params = list(encoder.parameters()) + list(head.parameters())
optimizer = torch.optim.RMSprop(params, lr=1e-3)

for epoch in range(3):
    for xb, yb in loader:
        z = encoder(xb)
        spread = z.std(dim=0)
        loss = F.cross_entropy(head(z), yb) + 0.1 * F.relu(1 - spread).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}, spread {spread.mean().item():.3f}")
