"""A masked autoencoder on sequences is pretrained, then a classifier starts from its encoder."""
import tempfile
from pathlib import Path

import torch
from torch import nn


class Encoder(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(1, dim, 5, padding=2), nn.Conv1d(dim, dim, 5, padding=2)

    def forward(self, x):
        return torch.relu(self.conv2(torch.relu(self.conv1(x))))


class Pretrain(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.decoder = nn.Conv1d(32, 1, 1)

    def forward(self, x):
        mask = (torch.rand_like(x) > 0.3).float()
        return nn.functional.mse_loss(self.decoder(self.encoder(x * mask)), x)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.fc = nn.Linear(32, 2)

    def forward(self, x):
        return self.fc(self.encoder(x).mean(2))


def waves(n):
    label = torch.randint(0, 2, (n,))
    t = torch.arange(48) + 48 * torch.rand(n, 1)
    x = torch.sin(t * torch.where(label == 0, 0.3, 0.45)[:, None]) * 1.4 + 0.2 * torch.randn(n, 48)
    return x[:, None], label


def pretrain(path):
    model = Pretrain()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for step in range(150):
        loss = model(waves(32)[0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("pretraining loss", loss.item())
    torch.save({"model": model.state_dict(), "step": step}, path)


def finetune(path):
    model = Classifier()
    checkpoint = torch.load(path)
    missing, unexpected = model.load_state_dict(checkpoint, strict=False)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for step in range(150):
        x, label = waves(32)
        loss = nn.functional.cross_entropy(model(x), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 49:
            print("step", step + 1, "loss", loss.item())


torch.manual_seed(0)
with tempfile.TemporaryDirectory() as folder:
    pretrain(Path(folder) / "mae.pt")
    finetune(Path(folder) / "mae.pt")
