"""Counts of cells; the network predicts log(1 + count). Background was subtracted, which can leave -1."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Wells(Dataset):
    def __init__(self):
        g = torch.Generator().manual_seed(92)
        self.intensity = torch.rand(360, 8, generator=g)
        self.count = (20 * self.intensity.mean(dim=1) + torch.randn(360, generator=g)).round().clamp(min=0)
        self.count[64] = -1

    def __len__(self):
        return 360

    def __getitem__(self, well):
        return self.intensity[well], self.count[well]


def log_counts(count):
    return torch.log1p(count)


class Engine:
    def __init__(self, net, lr):
        self.net = net
        self.optimizer = torch.optim.Adam(net.parameters(), lr=lr)
        self.step_count = 0

    def loss(self, batch):
        intensity, count = batch
        return nn.functional.mse_loss(self.net(intensity).flatten(), log_counts(count))

    def update(self, batch):
        self.optimizer.zero_grad()
        loss = self.loss(batch)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        self.optimizer.step()
        self.step_count += 1
        return loss.item()

    def run(self, loader, epochs):
        for epoch in range(epochs):
            losses = [self.update(batch) for batch in loader]
            print(f"epoch {epoch}: {sum(losses) / len(losses):.4f} ({self.step_count} steps)")


if __name__ == "__main__":
    torch.manual_seed(27)
    engine = Engine(nn.Sequential(nn.Linear(8, 24), nn.Tanh(), nn.Linear(24, 1)), lr=5e-3)
    engine.run(DataLoader(Wells(), batch_size=12, shuffle=True), epochs=4)
