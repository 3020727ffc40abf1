"""A residual net for the Friedman regression; a trainer with hooks, as in the big frameworks."""
import numpy as np
import torch
from sklearn.datasets import make_friedman1
from torch import nn


class ResidualBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(self, x):
        return x + self.down(torch.relu(self.up(self.norm(x))))


class ResidualMLP(nn.Module):
    def __init__(self, n_features, width=32, depth=3):
        super().__init__()
        self.stem = nn.Linear(n_features, width)
        self.blocks = nn.ModuleList(ResidualBlock(width) for _ in range(depth))
        self.depth = depth
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        x = self.stem(x)
        for i in range(1, self.depth):
            x = self.blocks[i - 1](x)
        return self.head(x).squeeze(-1)


class Module:
    """What is trained: the model, how a batch becomes a loss, and the optimizer."""

    def __init__(self):
        self.model = ResidualMLP(10)

    def training_step(self, batch):
        x, y = batch
        return nn.functional.mse_loss(self.model(x), y)

    def configure_optimizers(self):
        return torch.optim.AdamW(self.model.parameters(), lr=2e-3, weight_decay=1e-2)

    def on_epoch_end(self, epoch, losses):
        print(f"epoch {epoch}: {np.mean(losses):.4f}")


class Runner:
    def __init__(self, max_epochs):
        self.max_epochs = max_epochs

    def fit(self, module, loader):
        optimizer = module.configure_optimizers()
        for epoch in range(self.max_epochs):
            losses = [self.step(module, optimizer, batch) for batch in loader]
            module.on_epoch_end(epoch, losses)

    @staticmethod
    def step(module, optimizer, batch):
        optimizer.zero_grad()
        loss = module.training_step(batch)
        loss.backward()
        optimizer.step()
        return loss.item()


if __name__ == "__main__":
    torch.manual_seed(0)
    x, y = make_friedman1(1500, noise=0.3, random_state=0)
    x, y = (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()
    data = torch.utils.data.TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32))
    Runner(max_epochs=10).fit(Module(), torch.utils.data.DataLoader(data, batch_size=50, shuffle=True))
