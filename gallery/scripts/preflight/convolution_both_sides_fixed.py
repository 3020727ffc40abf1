"""Next token of a repeated pattern with dilated convolutions, as in WaveNet."""
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(2)
LEVELS = 16


class Layer(nn.Module):
    def __init__(self, channels, dilation):
        super().__init__()
        self.reach = 2 * dilation
        self.conv = nn.Conv1d(channels, 2 * channels, 3, dilation=dilation)
        self.mix = nn.Conv1d(channels, channels, 1)

    def forward(self, x):
        padded = F.pad(x, (self.reach, 0))
        value, gate = self.conv(padded).chunk(2, dim=1)
        return x + self.mix(torch.tanh(value) * torch.sigmoid(gate))


class WaveModel(nn.Module):
    def __init__(self, channels=32):
        super().__init__()
        self.embed = nn.Embedding(LEVELS, channels)
        self.layers = nn.ModuleList([Layer(channels, 2**i) for i in range(4)])
        self.out = nn.Conv1d(channels, LEVELS, 1)

    def forward(self, tokens):
        x = self.embed(tokens).transpose(1, 2)
        for layer in self.layers:
            x = layer(x)
        return self.out(x)


def batch(n=16, length=64):
    t = torch.arange(length + 1) * (0.15 + 0.25 * torch.rand(n, 1)) + 6.28 * torch.rand(n, 1)
    wave = torch.sin(t) + 0.1 * torch.randn(n, length + 1)
    return ((wave + 1.4) / 2.8 * LEVELS).long().clamp(0, LEVELS - 1)


model = WaveModel()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(250):
    tokens = batch()
    loss = F.cross_entropy(model(tokens[:, :-1]), tokens[:, 1:])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if (step + 1) % 50 == 0:
        print("step", step + 1, "nll", loss.item())
