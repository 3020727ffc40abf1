"""Addition of two numbers in unary noise: easy (short) problems first, harder ones later, on purpose."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Sampler, TensorDataset


class EasyFirst(Sampler):
    """All samples up to the present difficulty, in random order; the difficulty rises with the epoch."""

    def __init__(self, difficulty, n_epochs):
        self.difficulty, self.n_epochs, self.epoch = difficulty, n_epochs, 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def rows(self):
        share = min(1.0, 0.4 + 0.6 * self.epoch / (0.6 * self.n_epochs))
        return torch.nonzero(self.difficulty <= torch.quantile(self.difficulty, share)).flatten()

    def __iter__(self):
        rows = self.rows()
        return iter(rows[torch.randperm(len(rows))].tolist())

    def __len__(self):
        return len(self.rows())


def problems(n, seed):
    g = torch.Generator().manual_seed(seed)
    noise = torch.rand(n, generator=g) * 0.6
    clean = torch.randn(n, 20, generator=g)
    target = clean[:, :5].sum(1) * 0.3 + clean[:, 5] * clean[:, 6] * 0.4
    return clean + noise[:, None] * torch.randn(n, 20, generator=g), target[:, None], noise


torch.manual_seed(0)
n_epochs = 10
x, y, noise = problems(3000, 0)
val_x, val_y, _ = problems(600, 1)
sampler = EasyFirst(noise, n_epochs)
loader = DataLoader(TensorDataset(x, y), batch_size=50, sampler=sampler)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-3)
for epoch in range(n_epochs):
    sampler.set_epoch(epoch)
    model.train()
    for xb, yb in loader:
        loss = nn.functional.mse_loss(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss = nn.functional.mse_loss(model(val_x), val_y)
    print(f"epoch {epoch} on {len(sampler)} problems: loss {loss.item():.4f} val_loss {val_loss.item():.4f}")
