import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim import SGD
from torch.utils.data import DataLoader, TensorDataset


class Autoencoder(nn.Module):
    def __init__(self, code=12):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 48), nn.Tanh(), nn.Linear(48, code))
        self.decoder = nn.Sequential(nn.Linear(code, 48), nn.Tanh(), nn.Linear(48, 64))

    def forward(self, x):
        return self.decoder(self.encoder(x))


def main(lr):
    torch.manual_seed(0)
    x = torch.tensor(load_digits().data, dtype=torch.float32) / 16
    x = x[torch.randperm(len(x))]
    x_val = x[1500:]
    loader = DataLoader(TensorDataset(x[:1500]), batch_size=50, shuffle=True)
    model = Autoencoder()
    optimizer = SGD(model.parameters(), lr=lr, momentum=0.9)
    for epoch in range(14):
        running = 0
        for (batch,) in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(batch), batch)
            loss.backward()
            optimizer.step()
            running += loss.item()
        with torch.no_grad():
            val_loss = nn.functional.mse_loss(model(x_val), x_val).item()
        print(f"[{epoch}] reconstruction {running / len(loader):.5f} validation {val_loss:.5f}")


if __name__ == "__main__":
    main(lr=0.5)
