"""A plain recurrent net that has to remember the first symbols of a sequence."""
import argparse

import torch
from torch import nn


class Remember(nn.Module):
    def __init__(self, n_symbols, hidden):
        super().__init__()
        self.hidden = hidden
        self.inp = nn.Linear(n_symbols, hidden)
        self.rec = nn.Linear(hidden, hidden, bias=False)
        self.out = nn.Linear(hidden, n_symbols)
        nn.init.orthogonal_(self.rec.weight)

    def forward(self, x):
        h = torch.zeros(len(x), self.hidden)
        for t in range(x.shape[1]):
            h = torch.nn.functional.leaky_relu(self.inp(x[:, t]) + self.rec(h), 0.9)
        return self.out(h)


def batch(n, length, n_symbols, wrong=0.0):
    """Sequences and their first symbols, of which a share is misread."""
    symbols = torch.randint(0, n_symbols, (n, length))
    noise = torch.randint(0, n_symbols, (n,))
    target = torch.where(torch.rand(n) < wrong, noise, symbols[:, 0])
    return nn.functional.one_hot(symbols, n_symbols).float(), target


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--length", type=int, default=20)
    parser.add_argument("--hidden", type=int, default=40)
    parser.add_argument("--steps", type=int, default=500)
    args = parser.parse_args()
    torch.manual_seed(0)
    model = Remember(4, args.hidden)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss_fn = nn.CrossEntropyLoss()
    val_x, val_y = batch(300, args.length, 4)
    for step in range(args.steps):
        x, y = batch(50, args.length, 4, wrong=0.15)
        loss = loss_fn(model(x), y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        if (step + 1) % 50 == 0:
            with torch.no_grad():
                out = model(val_x)
            print(f"{step + 1} loss={loss.item():.4f} val_loss={loss_fn(out, val_y).item():.4f} "
                  f"val_acc={(out.argmax(1) == val_y).float().mean().item():.3f}")


if __name__ == "__main__":
    main()
