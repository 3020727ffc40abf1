"""A sequence tagger with a fused RMS norm of its own: is a bracket closed later on?"""
import random

import torch
from torch import nn


class RMSNormFunction(torch.autograd.Function):
    """x / sqrt(mean(x²) + eps), with an analytic gradient."""

    @staticmethod
    def forward(ctx, x, eps):
        scale = (x.pow(2).mean(-1, keepdim=True) + eps).rsqrt()
        y = x * scale
        ctx.save_for_backward(y, scale)
        return y

    @staticmethod
    def backward(ctx, grad):
        y, scale = ctx.saved_tensors
        return scale * (grad - y * (grad * y).mean(-1, keepdim=True)), None


class RMSNorm(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.gain, self.eps = nn.Parameter(torch.ones(dim)), eps

    def forward(self, x):
        return self.gain * RMSNormFunction.apply(x, self.eps)


class Tagger(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.embed = nn.Embedding(3, dim)
        self.rnn = nn.GRU(dim, dim, batch_first=True, bidirectional=True)
        self.norm = RMSNorm(2 * dim)
        self.tag = nn.Linear(2 * dim, 2)

    def forward(self, tokens):
        h, _ = self.rnn(self.embed(tokens))
        return self.tag(self.norm(h))


def example(rng, length=16):
    tokens = [rng.randrange(3) for _ in range(length)]
    tags, open_ = [0] * length, []
    for i, token in enumerate(tokens):
        if token == 0:
            open_.append(i)
        elif token == 1 and open_:
            tags[open_.pop()] = tags[i] = 1
    return tokens, tags


def batch(rng, n):
    tokens, tags = zip(*(example(rng) for _ in range(n)))
    return torch.tensor(tokens), torch.tensor(tags)


if __name__ == "__main__":
    rng = random.Random(0)
    torch.manual_seed(0)
    model = Tagger()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(1, 301):
        tokens, tags = batch(rng, 32)
        loss = nn.functional.cross_entropy(model(tokens).transpose(1, 2), tags)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 60 == 0:
            print(f"step {step} loss {loss.item():.4f}")
