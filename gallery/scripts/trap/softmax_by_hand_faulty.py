#!/usr/bin/env python3
"""Which of five machines made the sound? A mixture of two experts, with a softmax written out."""
import argparse

import torch
import torch.nn as nn


class Sounds(torch.utils.data.Dataset):
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        self.kind = torch.randint(0, 5, (n,), generator=g)
        self.power = torch.randn(n, 20, generator=g) + 1.5 * nn.functional.one_hot(self.kind, 20)
        if n > 450:
            self.power[444] *= 400  # the microphone was switched on just then

    def __len__(self):
        return len(self.kind)

    def __getitem__(self, index):
        return {"power": self.power[index], "kind": self.kind[index], "index": index}


class Mixture(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(20, 2)
        self.experts = nn.ModuleList(nn.Linear(20, 5) for _ in range(2))

    def softmax(self, z):
        e = torch.exp(z)
        return e / e.sum(dim=-1, keepdim=True)

    def forward(self, batch):
        x = batch["power"]
        g = torch.tanh(self.gate(x))
        g = g / g.norm(dim=-1, keepdim=True).clamp(min=1e-3)
        z = sum(g[:, k:k + 1] * expert(x) for k, expert in enumerate(self.experts))
        p = self.softmax(z)
        chosen = p.gather(1, batch["kind"][:, None])
        return {"p": p, "loss": -(chosen.clamp(min=1e-7)).log().mean()}


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--lr", type=float, default=0.05)
    return parser.parse_args()


if __name__ == "__main__":
    args = parse()
    torch.manual_seed(6)
    loader = torch.utils.data.DataLoader(Sounds(600, seed=2), batch_size=12, shuffle=True)
    model = Mixture()
    optim = torch.optim.SGD(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        for i, batch in enumerate(loader):
            out = model(batch)
            optim.zero_grad()
            out["loss"].backward()
            optim.step()
            if i % 25 == 0:
                print(f"{epoch}/{i}: {out['loss'].item():.3f}")
