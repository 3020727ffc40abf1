import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, random_split


class AutoEncoder(nn.Module):
    def __init__(self, n_features=64, n_code=10):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(n_features, 48), nn.ELU(), nn.Linear(48, n_code))
        self.decode = nn.Sequential(nn.Linear(n_code, 48), nn.ELU(), nn.Linear(48, n_features), nn.Sigmoid())

    def forward(self, x):
        return self.decode(self.encode(x))


if __name__ == "__main__":
    torch.manual_seed(0)
    images = torch.tensor(load_digits().data / 16.0, dtype=torch.float32)
    train, valid = random_split(images, [1500, 297])
    train_loader = DataLoader(train, batch_size=50, shuffle=True, drop_last=True)
    valid_loader = DataLoader(valid, batch_size=297)
    model = AutoEncoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=6e-3, total_steps=16 * len(train_loader))
    for epoch in range(16):
        model.train()
        train_loss = 0.0
        for x in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), x)
            loss.backward()
            optimizer.step()
            scheduler.step()
            train_loss += loss.item()
        model.eval()
        with torch.no_grad():
            valid_loss = sum(nn.functional.mse_loss(model(x), x).item() for x in valid_loader)
        print(f"epoch {epoch:2d} train {train_loss / len(train_loader):.5f} valid {valid_loss:.5f}")
