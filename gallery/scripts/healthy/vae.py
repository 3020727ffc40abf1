"""A variational autoencoder of 8x8 digits."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader


class VAE(nn.Module):
    def __init__(self, latent=6):
        super().__init__()
        self.fc1 = nn.Linear(64, 80)
        self.fc_mu = nn.Linear(80, latent)
        self.fc_logvar = nn.Linear(80, latent)
        self.fc3 = nn.Linear(latent, 80)
        self.fc4 = nn.Linear(80, 64)

    def encode(self, x):
        h = F.relu(self.fc1(x))
        return self.fc_mu(h), self.fc_logvar(h)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        return mu + torch.randn_like(std) * std

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar)
        return self.fc4(F.relu(self.fc3(z))), mu, logvar


def loss_function(logits, x, mu, logvar):
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
    return reconstruction, kl


def main(epochs=14):
    torch.manual_seed(0)
    x = torch.tensor(load_digits().data / 16, dtype=torch.float32)
    x = x[torch.randperm(len(x))]
    train_x, val_x = x[:1500], x[1500:]
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(1, epochs + 1):
        model.train()
        for batch in DataLoader(train_x, batch_size=50, shuffle=True):
            optimizer.zero_grad()
            reconstruction, kl = loss_function(*model_inputs(model, batch))
            loss = reconstruction + kl
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            val_reconstruction, val_kl = loss_function(*model_inputs(model, val_x))
        print(f"epoch {epoch}: loss {loss.item():.3f} (kl {kl.item():.3f}) "
              f"val {(val_reconstruction + val_kl).item():.3f} (kl {val_kl.item():.3f})")


def model_inputs(model, batch):
    logits, mu, logvar = model(batch)
    return logits, batch, mu, logvar


main()
