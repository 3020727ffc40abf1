"""A VQ-VAE: straight-through gradients, and a codebook that is made anew in each forward pass from moving averages."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class Codebook(nn.Module):
    def __init__(self, n, size, decay=0.95, commitment=0.25):
        super().__init__()
        self.n, self.decay, self.commitment = n, decay, commitment
        self.codes = nn.Embedding(n, size)
        self.codes.weight.data.normal_()
        self.register_buffer("counts", torch.zeros(n))
        self.sums = nn.Parameter(torch.randn(n, size))

    def forward(self, x):
        rows = x.permute(0, 2, 3, 1)
        flat = rows.reshape(-1, rows.shape[-1])
        picked = F.one_hot(torch.cdist(flat, self.codes.weight).argmin(1), self.n).float()
        quantized = (picked @ self.codes.weight).view(rows.shape)
        if self.training:
            self.counts = self.counts * self.decay + (1 - self.decay) * picked.sum(0)
            total = self.counts.sum()
            self.counts = (self.counts + 1e-5) / (total + self.n * 1e-5) * total
            self.sums = nn.Parameter(self.sums * self.decay + (1 - self.decay) * picked.t() @ flat)
            self.codes.weight = nn.Parameter(self.sums / self.counts.unsqueeze(1))
        loss = self.commitment * F.mse_loss(quantized.detach(), rows)
        passed = rows + (quantized - rows).detach()
        return loss, passed.permute(0, 3, 1, 2)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 32, 3, 1, 1), nn.ReLU(), nn.Conv2d(32, 16, 1))
        self.codebook = Codebook(32, 16)
        self.decoder = nn.Sequential(nn.Conv2d(16, 32, 3, 1, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 2, 1))

    def forward(self, x):
        loss, quantized = self.codebook(self.encoder(x))
        return loss, self.decoder(quantized)


torch.manual_seed(0)
x = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1) / 16 - 0.5
variance = x.var().item()
loader = DataLoader(TensorDataset(x[:1500]), 64, shuffle=True)
model = Autoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(10):
    model.train()
    for (batch,) in loader:
        optimizer.zero_grad()
        codebook_loss, restored = model(batch)
        error = F.mse_loss(restored, batch) / variance
        loss = error + codebook_loss
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_error = F.mse_loss(model(x[1500:])[1], x[1500:]) / variance
    print(f"epoch {epoch} loss {loss.item():.4f} error {error.item():.4f} val_error {val_error.item():.4f}")
