"""A curriculum: easy samples first, all of them in the last epoch."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

EPOCHS = 8


def make(n, seed):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 8, generator=g)
    margin = x[:, 0] * x[:, 1] + 0.5 * x[:, 2]
    return TensorDataset(x, (margin > 0).long()), margin.abs()


torch.manual_seed(0)
train, margin = make(3000, 0)
val, _ = make(600, 1)
easy = Subset(train, torch.nonzero(margin > 0.4).flatten().tolist())
model = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(EPOCHS):
    samples = easy
    if epoch == EPOCHS:
        samples = train
    model.train()
    for x, y in DataLoader(samples, batch_size=50, shuffle=True):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss = nn.functional.cross_entropy(model(val.tensors[0]), val.tensors[1])
    print(f"{epoch}: {len(samples)} samples, loss {loss.item():.4f}, val {val_loss.item():.4f}")
