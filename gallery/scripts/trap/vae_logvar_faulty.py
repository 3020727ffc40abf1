"""A variational autoencoder for patches of 6 x 6 pixels."""
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset


class Patches(Dataset):
    def __init__(self, n=480):
        g = torch.Generator().manual_seed(4)
        basis = torch.randn(4, 36, generator=g)
        self.data = torch.sigmoid(torch.randn(n, 4, generator=g) @ basis)
        self.data[350] *= 65535  # saved with 16 bits, all others with values in 0..1

    def __len__(self):
        return len(self.data)

    def __getitem__(self, idx):
        return self.data[idx]


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(36, 32), nn.ReLU())
        self.mu = nn.Linear(32, 3)
        self.logvar = nn.Linear(32, 3)
        self.decoder = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 36), nn.Sigmoid())

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        return mu + torch.randn_like(std) * std

    def forward(self, x):
        h = self.encoder(x)
        mu, logvar = self.mu(h), self.logvar(h)
        return self.decoder(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(recon, x, mu, logvar):
    mse = F.mse_loss(recon, x, reduction="sum") / len(x)
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
    return mse + 0.1 * kld, mse, kld


def main():
    torch.manual_seed(15)
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    loader = DataLoader(Patches(), batch_size=16, shuffle=True)
    for epoch in range(1, 4):
        model.train()
        train_loss = 0
        for batch_idx, data in enumerate(loader):
            optimizer.zero_grad()
            recon_batch, mu, logvar = model(data)
            loss, mse, kld = loss_function(recon_batch, data, mu, logvar)
            loss.backward()
            train_loss += loss.item()
            optimizer.step()
        print("====> Epoch: {} Average loss: {:.4f}".format(epoch, train_loss / len(loader)))


if __name__ == "__main__":
    main()
