"""Convolutional autoencoder of digits; keeps the codes of the last batch for a plot."""
import torch
from sklearn.datasets import load_digits
from torch import nn


class AutoEncoder(nn.Module):
    def __init__(self, code=12):
        super().__init__()
        self.down1 = nn.Conv2d(1, 16, 3, stride=2, padding=1)
        self.down2 = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.to_code = nn.Linear(128, code)
        self.from_code = nn.Linear(code, 128)
        self.up1 = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.up2 = nn.ConvTranspose2d(16, 1, 2, stride=2)
        self.last_code = None

    def encode(self, x):
        x = torch.relu(self.down1(x))
        x = torch.relu(self.down2(x))
        return self.to_code(x.flatten(1))

    def decode(self, code):
        x = torch.relu(self.from_code(code)).view(-1, 32, 2, 2)
        return self.up2(torch.relu(self.up1(x)))

    def forward(self, x):
        code = self.encode(x)
        self.last_code = code.detach()
        return self.decode(code)


def epochs(n):
    for epoch in range(1, n + 1):
        print(f"epoch {epoch}/{n}", end=": ")
        yield epoch


if __name__ == "__main__":
    torch.manual_seed(0)
    images = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1) / 8 - 1
    train, val = images[:1500], images[1500:]
    model = AutoEncoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.MSELoss()
    for _ in epochs(6):
        for x in torch.utils.data.DataLoader(train, batch_size=50, shuffle=True):
            optimizer.zero_grad()
            loss = criterion(model(x), x)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            print(f"loss {loss.item():.4f} val {criterion(model(val), val).item():.4f}")
