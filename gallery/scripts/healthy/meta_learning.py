"""Learning to learn sine waves: one inner step per task, the outer step goes through it."""
import math

import torch
from torch import nn
from torch.func import functional_call


def sample_task():
    amplitude, phase = 0.5 + 1.5 * torch.rand(1), math.pi * torch.rand(1)

    def points(n):
        x = 8 * torch.rand(n, 1) - 4
        return x, amplitude * torch.sin(x + phase)

    return points


def adapt(model, parameters, x, y, inner_lr):
    loss = nn.functional.mse_loss(functional_call(model, parameters, (x,)), y)
    gradients = torch.autograd.grad(loss, parameters.values(), create_graph=True)
    return {name: p - inner_lr * g for (name, p), g in zip(parameters.items(), gradients)}


def main():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
    outer = torch.optim.Adam(model.parameters(), lr=2e-3)
    validation_tasks = [sample_task() for _ in range(30)]
    validation = [(task(10), task(50)) for task in validation_tasks]
    for iteration in range(1, 301):
        outer.zero_grad()
        meta_loss = 0.0
        for _ in range(6):
            points = sample_task()
            fast = adapt(model, dict(model.named_parameters()), *points(10), inner_lr=0.05)
            x, y = points(10)
            meta_loss = meta_loss + nn.functional.mse_loss(functional_call(model, fast, (x,)), y) / 6
        meta_loss.backward()
        outer.step()
        if iteration % 50 == 0:
            before, after = [], []
            for (x, y), (qx, qy) in validation:
                parameters = dict(model.named_parameters())
                fast = adapt(model, parameters, x, y, inner_lr=0.05)
                with torch.no_grad():
                    before.append(nn.functional.mse_loss(model(qx), qy).item())
                    after.append(nn.functional.mse_loss(functional_call(model, fast, (qx,)), qy).item())
            print(f"iteration {iteration}: meta loss {meta_loss.item():.4f} validation before adaptation "
                  f"{sum(before) / 30:.4f} after {sum(after) / 30:.4f}")


main()
