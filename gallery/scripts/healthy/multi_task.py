"""Three tasks with one trunk; the losses are weighed by learned uncertainties."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Signals(Dataset):
    """Noisy sinusoids: class of their shape, frequency and phase's sign."""

    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        t = torch.linspace(0, 1, 40)
        self.frequency = 1 + 2 * torch.rand(n, generator=g)
        self.shape = torch.randint(0, 3, (n,), generator=g)
        self.flip = torch.randint(0, 2, (n,), generator=g)
        wave = torch.sin(2 * torch.pi * self.frequency[:, None] * t) * (1 - 2 * self.flip[:, None])
        shaped = torch.stack([wave, wave.sign() * 0.8, wave**3])
        self.x = shaped[self.shape, torch.arange(n)] + 0.05 * torch.randn(n, 40, generator=g)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return {"x": self.x[i], "shape": self.shape[i], "frequency": self.frequency[i] - 2, "flip": self.flip[i].float()}


class MultiTask(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(40, 96), nn.ReLU(), nn.Linear(96, 64), nn.ReLU())
        self.heads = nn.ModuleDict({"shape": nn.Linear(64, 3), "frequency": nn.Linear(64, 1), "flip": nn.Linear(64, 1)})
        self.log_variance = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        h = self.trunk(x)
        return {name: head(h) for name, head in self.heads.items()}

    def losses(self, out, batch):
        return torch.stack([
            nn.functional.cross_entropy(out["shape"], batch["shape"]),
            nn.functional.mse_loss(out["frequency"][:, 0], batch["frequency"]),
            nn.functional.binary_cross_entropy_with_logits(out["flip"][:, 0], batch["flip"]),
        ])


def main():
    torch.manual_seed(0)
    train = DataLoader(Signals(3200, 0), batch_size=64, shuffle=True)
    val = DataLoader(Signals(512, 1), batch_size=512)
    model = MultiTask()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(8):
        model.train()
        for batch in train:
            losses = model.losses(model(batch["x"]), batch)
            total = (losses * torch.exp(-model.log_variance)).sum() + model.log_variance.sum()
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for batch in val:
                shape_loss, frequency_loss, flip_loss = model.losses(model(batch["x"]), batch).tolist()
        print(f"epoch {epoch} total {total.item():.3f} | val shape {shape_loss:.4f} frequency {frequency_loss:.4f} "
              f"flip {flip_loss:.4f}")


if __name__ == "__main__":
    main()
