"""Somebody with Lightning's CSVLogger: a row each 10 training steps, another for each validation, blanks in between."""

import csv
import math

import torch
import torch.nn.functional as F
from sklearn import datasets
from torch import nn
from torch.optim import lr_scheduler

from kit import accuracy, batches, classes, diabetes, digits, mlp, run, split


def fit(path, model, optimizer, data, epochs, step, validate=None, batch=32, every=10, schedule=None, interval="epoch",
        lr=True, gradients=None):
    """`step(x, y)` gives named values, `loss` among them; `validate(x, y)` those of the whole validation set."""
    rows, at = [], 0
    x, y, vx, vy = data
    for epoch in range(epochs):
        model.train()
        for bx, by in batches(x, y, batch):
            values = step(bx, by)
            optimizer.zero_grad()
            values["loss"].backward()
            row = {f"train_{k}": float(torch.as_tensor(v).detach()) for k, v in values.items()}
            if gradients:
                row.update(gradients())
            optimizer.step()
            at += 1
            if schedule and interval == "step":
                schedule.step()
            if at % every == 0:
                if lr:
                    row[f"lr-{type(optimizer).__name__}"] = optimizer.param_groups[0]["lr"]
                rows.append({"epoch": epoch, "step": at - 1, **row})
        if validate:
            model.eval()
            with torch.no_grad():
                values = validate(vx, vy)
            rows.append({"epoch": epoch, "step": at - 1, **{f"val_{k}": float(v) for k, v in values.items()}})
        if schedule and interval == "epoch":
            monitored = [float(values["loss"])] if isinstance(schedule, lr_scheduler.ReduceLROnPlateau) else []
            schedule.step(*monitored)
    names = sorted({k for row in rows for k in row})
    with open(path, "w", newline="") as out:
        table = csv.DictWriter(out, names)
        table.writeheader()
        table.writerows(rows)


def classifier(model):
    def step(x, y):
        out = model(x)
        return {"loss": F.cross_entropy(out, y), "acc": accuracy(out, y)}

    return step


def loss_only(model, loss_fn=F.cross_entropy):
    return lambda x, y: {"loss": loss_fn(model(x), y)}


def convolutions(n=10):
    return nn.Sequential(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, n))


@run(".csv", "a small convolutional net on the digits, AdamW")
def lightning_convolutions(path):
    model = convolutions()
    step = classifier(model)
    fit(path, model, torch.optim.AdamW(model.parameters(), lr=2e-3), digits(), 12, step, step)


@run(".csv", "disease progression by a small net: half of the variance cannot be explained, validation is noisy", may="overfitting-run")
def lightning_diabetes(path):
    model = mlp(10, 16, 1)
    step = loss_only(model, lambda out, y: F.mse_loss(out[:, 0], y))
    fit(path, model, torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-2), diabetes(), 40, step, step, every=5)


@run(".csv", "class and stroke mass of a digit from one body, both terms logged")
def lightning_two_tasks(path):
    body, cls, mass = mlp(64, 64), nn.Linear(64, 10), nn.Linear(64, 1)
    model = nn.ModuleList([body, cls, mass])

    def step(x, y):
        h = torch.relu(body(x))
        a, b = F.cross_entropy(cls(h), y), F.mse_loss(mass(h)[:, 0], (x.mean(1) - 0.3) * 10)
        return {"loss": a + 0.5 * b, "cls_loss": a, "mass_loss": b}

    fit(path, model, torch.optim.Adam(model.parameters(), lr=1e-3), digits(), 15, step, step)


@run(".csv", "an autoencoder of the digits; `train_loss` in mean squared error, small numbers")
def lightning_autoencoder(path):
    model = mlp(64, 32, 8, 32, 64)
    step = lambda x, y: {"loss": F.mse_loss(model(x), x)}
    fit(path, model, torch.optim.Adam(model.parameters(), lr=2e-3), digits(), 25, step, step)


@run(".csv", "a net that knows the digits 0 to 4 is fine-tuned for the rest at a small rate, warm-up and linear fall")
def lightning_fine_tune(path):
    x, y, vx, vy = digits()
    model = convolutions()
    first = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(8):
        for bx, by in batches(x[y < 5], y[y < 5], 32):
            first.zero_grad()
            F.cross_entropy(model(bx), by).backward()
            first.step()
    model[-1] = nn.Linear(64, 10)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    schedule = lr_scheduler.LambdaLR(optimizer, lambda s: min(s / 20, (430 - s) / 410))
    step = classifier(model)
    fit(path, model, optimizer, (x, y, vx, vy), 10, step, step, every=5, schedule=schedule, interval="step")


@run(".csv", "strong noise added to training pictures: training is harder than validation throughout")
def lightning_augmented(path):
    model = convolutions()

    def step(x, y):
        out = model(x + 0.5 * torch.randn_like(x) if model.training else x)
        return {"loss": F.cross_entropy(out, y), "acc": accuracy(out, y)}

    fit(path, model, torch.optim.Adam(model.parameters(), lr=2e-3), digits(), 20, step, step)


@run(".csv", "the rate is cut whenever validation stalls, four times in all, near the floor of the data", may="overfitting-run")
def lightning_rate_on_plateau(path):
    model = mlp(20, 16, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.3, patience=3, min_lr=1e-3)
    step = classifier(model)
    data = classes(3000, n_features=20, n_informative=8, flip_y=0.1)
    fit(path, model, optimizer, data, 30, step, step, batch=64, every=20, schedule=schedule)


@run(".csv", "a classifier whose loss ends within one epoch near zero: an easy task, flat for nine tenths of the run")
def lightning_easy(path):
    data = classes(3000, n_features=10, n_informative=6, n_redundant=0, flip_y=0.0, class_sep=5.0, n_clusters_per_class=1)
    model = mlp(10, 32, 2)
    step = classifier(model)
    fit(path, model, torch.optim.Adam(model.parameters(), lr=2e-3), data, 10, step, step)


@run(".csv", "a scheduler meant for epochs is stepped every batch: the rate is nothing before the second epoch ends",
     "learning-rate-collapsed", "loss-plateau learning-rate-extreme underfitting-run loss-not-decreasing")
def lightning_steps_the_schedule(path):
    model = convolutions()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    step = classifier(model)
    schedule = lr_scheduler.StepLR(optimizer, 5, 0.5)
    fit(path, model, optimizer, digits(), 15, step, step, schedule=schedule, interval="step")


@run(".csv", "prices in thousands, not scaled, beside a class loss: one term is 10,000 times the other",
     "loss-terms-unbalanced", "overfitting-run underfitting-run loss-plateau exploding-gradient")
def lightning_raw_price(path):
    x, y, vx, vy = digits()
    body, cls, price = mlp(64, 64), nn.Linear(64, 10), nn.Linear(64, 1)
    model = nn.ModuleList([body, cls, price])

    def step(x, y):
        h = torch.relu(body(x))
        a, b = F.cross_entropy(cls(h), y), F.mse_loss(price(h)[:, 0], 100 + 400 * x.mean(1) + 60 * torch.randn(len(x)))
        return {"loss": a + b, "class_loss": a, "price_loss": b}

    fit(path, model, torch.optim.Adam(model.parameters(), lr=1e-3), (x, y, vx, vy), 30, step, step)


@run(".csv", "a wide net on 150 noisy rows, checkpoint never taken: validation at its best in the first tenth", "overfitting-run",
     "no-validation")
def lightning_overfits(path):
    x, y, vx, vy = classes(900, held_out=5 / 6, n_features=20, n_informative=5, flip_y=0.2)
    model = mlp(20, 200, 200, 2)
    step = classifier(model)
    fit(path, model, torch.optim.Adam(model.parameters(), lr=1e-3), (x, y, vx, vy), 60, step, step, batch=30, every=5)


@run(".csv", "only the training loss is logged, for 15 epochs", "no-validation")
def lightning_train_only(path):
    model = convolutions()
    fit(path, model, torch.optim.Adam(model.parameters(), lr=1e-3), digits(), 15, loss_only(model))


@run(".csv", "the optimizer was given the parameters of a copy: neither loss moves at all", "loss-not-decreasing",
     "unchanged-parameters loss-at-chance underfitting-run loss-plateau")
def lightning_wrong_copy(path):
    x, y = datasets.load_diabetes(return_X_y=True)
    data = split(x * 20, y / 40, 0.25)
    model, copy = mlp(10, 32, 1), mlp(10, 32, 1)
    step = loss_only(model, lambda out, y: F.mse_loss(out[:, 0], y))
    fit(path, model, torch.optim.Adam(copy.parameters(), lr=1e-3), data, 30, step, step, every=10)


def norms(model):
    def measure():
        found = {f"grad_2.0_norm/{n}": p.grad.norm().item() for n, p in model.named_parameters() if n.endswith("weight")}
        total = math.sqrt(sum(v * v for v in found.values()))
        return {**found, "grad_2.0_norm_total": total}

    return measure


@run(".csv", "ten sigmoid layers with the norm of each layer's gradient logged: the first has a millionth of the last",
     "vanishing-gradient", "loss-at-chance loss-not-decreasing underfitting-run loss-plateau saturated-activations update-ratio")
def lightning_deep_sigmoid(path):
    model = mlp(64, *[32] * 9, 10, act=nn.Sigmoid)
    step = classifier(model)
    fit(path, model, torch.optim.SGD(model.parameters(), lr=0.05), digits(), 12, step, step, gradients=norms(model))


@run(".csv", "the same logging on a shallow net with ReLU")
def lightning_norms(path):
    model = mlp(64, 48, 32, 10)
    step = classifier(model)
    fit(path, model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), digits(), 12, step, step,
        gradients=norms(model))


@run(".csv", "a ring inside a ring for a straight line: training and validation flat at accuracy 0.66 and far from solved",
     "underfitting-run", "loss-plateau loss-not-decreasing loss-at-chance")
def lightning_straight_line(path):
    x, y = datasets.make_circles(1500, noise=0.1, factor=0.3, random_state=2)
    x[:, 0] += 0.35 * y
    model = nn.Linear(2, 2)
    step = classifier(model)
    fit(path, model, torch.optim.Adam(model.parameters(), lr=5e-3), split(x, y, 0.25), 25, step, step)


@run(".csv", "tanh on the outputs before the softmax: the loss falls to what ten numbers within one of zero allow and stays",
     "loss-plateau", "underfitting-run saturated-activations no-validation")
def lightning_tanh_at_the_end(path):
    model = nn.Sequential(convolutions(), nn.Tanh())
    step = classifier(model)
    fit(path, model, torch.optim.Adam(model.parameters(), lr=5e-3), digits(), 30, step, step)
