"""A beginner with a small table, who prints a line an epoch."""

import torch
import torch.nn.functional as F
from torch import nn

from kit import accuracy, batches, cancer, classes, digits, mlp, moons, run, wine


def fit(path, model, optimizer, data, epochs, batch=32, loss_fn=F.cross_entropy, extra=None, shuffle_labels=False):
    x, y, vx, vy = data
    with open(path, "w") as out:
        for epoch in range(1, epochs + 1):
            model.train()
            total, right, seen = 0.0, 0, 0
            for bx, by in batches(x, y, batch):
                if shuffle_labels:
                    by = by[torch.randperm(len(by))]
                pred = model(bx)
                loss = loss_fn(pred, by)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item() * len(bx)
                right += (pred.argmax(1) == by).sum().item()
                seen += len(bx)
            model.eval()
            with torch.no_grad():
                pred = model(vx)
                val = loss_fn(pred, vy).item()
            line = f"Epoch {epoch}/{epochs} loss: {total / seen:.4f} acc: {right / seen:.4f}"
            line += f" val_loss: {val:.4f} val_acc: {accuracy(pred, vy):.4f}"
            out.write(line + (extra(pred, vy) if extra else "") + "\n")


@run(".log", "a first network on the digits with Adam")
def beginner_digits(path):
    model = mlp(64, 64, 10)
    fit(path, model, torch.optim.Adam(model.parameters()), digits(), 20)


@run(".log", "124 wines, plain SGD, many epochs: the loss is small and flat at the end")
def beginner_wine(path):
    model = mlp(13, 16, 3)
    fit(path, model, torch.optim.SGD(model.parameters(), lr=0.02), wine(), 60, batch=16)


@run(".log", "half of the units dropped: training loss stays above validation loss")
def beginner_dropout(path):
    model = mlp(30, 64, 64, 2, dropout=0.5)
    fit(path, model, torch.optim.Adam(model.parameters(), lr=3e-4), cancer(), 40)


@run(".log", "18 validation rows: validation jumps about while training is smooth")
def beginner_tiny_validation(path):
    data = classes(600, held_out=0.03, n_features=10, n_informative=6, flip_y=0.15)
    model = mlp(10, 16, 2)
    fit(path, model, torch.optim.Adam(model.parameters(), lr=2e-3), data, 25)


@run(".log", "a third of the labels are noise: the loss ends at 0.6 and cannot do better, accuracy above chance")
def beginner_noisy_answers(path):
    data = classes(4000, n_features=8, n_informative=5, flip_y=0.4)
    model = mlp(8, 32, 2)
    fit(path, model, torch.optim.Adam(model.parameters(), lr=1e-3), data, 25, batch=64)


@run(".log", "two moons, a bigger net than needed: validation a little above training at the end", may="overfitting-run")
def beginner_moons(path):
    model = mlp(2, 64, 64, 2)
    fit(path, model, torch.optim.Adam(model.parameters(), lr=2e-3), moons(), 40)


def log_of_softmax(pred, y):
    return -torch.log(torch.softmax(pred, 1).gather(1, y[:, None])).mean()


@run(".log", "a home-made cross-entropy takes the logarithm of zero", "non-finite-loss",
     "loss-diverging exploding-gradient learning-rate-extreme loss-at-chance class-collapse overfitting-run")
def beginner_log_of_zero(path):
    data = digits()
    data = data[0] * 16, data[1], data[2] * 16, data[3]
    model = mlp(64, 128, 10)
    with torch.no_grad():
        model[-1].weight *= 4
    fit(path, model, torch.optim.SGD(model.parameters(), lr=0.03), data, 15, loss_fn=log_of_softmax)


@run(".log", "the rate was meant to halve every other epoch and grows by two fifths instead: the loss leaves its best for good",
     "loss-diverging", "learning-rate-extreme loss-oscillating exploding-gradient loss-spike overfitting-run class-collapse")
def beginner_rate_grows(path):
    model = mlp(30, 64, 64, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    grow = torch.optim.lr_scheduler.ExponentialLR(optimizer, 1.4)

    def rate(pred, y):
        grow.step()
        return f" lr: {grow.get_last_lr()[0]:.5f}"

    fit(path, model, optimizer, cancer(), 24, batch=16, loss_fn=brier, extra=rate)


def brier(pred, y):
    return ((pred - F.one_hot(y, 2)) ** 2).mean()


@run(".log", "labels shuffled apart from their rows: ten classes, the loss stays at 2.30", "loss-at-chance",
     "loss-not-decreasing underfitting-run loss-plateau class-collapse")
def beginner_shuffled_labels(path):
    model = mlp(64, 32, 10)
    fit(path, model, torch.optim.SGD(model.parameters(), lr=0.05), digits(), 20, shuffle_labels=True)


@run(".log", "100 training rows, a wide net, 120 epochs: validation loss turns up early and keeps rising", "overfitting-run")
def beginner_memorises(path):
    x, y, vx, vy = classes(700, held_out=0.8, n_features=30, n_informative=6, flip_y=0.1)
    model = mlp(30, 256, 256, 2)
    fit(path, model, torch.optim.Adam(model.parameters(), lr=1e-3), (x[:100], y[:100], vx, vy), 120)


@run(".log", "one hidden unit for ten digits: both losses flat and high from the middle on", "underfitting-run",
     "loss-plateau")
def beginner_one_unit(path):
    model = mlp(64, 1, 10)
    fit(path, model, torch.optim.Adam(model.parameters(), lr=1e-2), digits(), 50)


def who_is_found(pred, y):
    said = pred.argmax(1) == 1
    recall = (said & (y == 1)).sum().item() / max(1, (y == 1).sum().item())
    return f" val_recall: {recall:.4f} pred_positive: {said.float().mean().item():.4f}"


@run(".log", "one row in twenty is positive and none is ever predicted: accuracy 0.95, recall 0", "class-collapse",
     "loss-plateau loss-at-chance underfitting-run loss-not-decreasing")
def beginner_never_positive(path):
    data = classes(2000, n_features=20, n_informative=2, weights=[0.95], class_sep=0.3, flip_y=0.02)
    model = mlp(20, 8, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, weight_decay=0.02)
    fit(path, model, optimizer, data, 30, extra=who_is_found)


@run(".log", "momentum and a high rate: the loss of each epoch is far above or below the last", "loss-oscillating",
     "learning-rate-extreme loss-spike loss-not-decreasing")
def beginner_swings(path):
    model = nn.Sequential(nn.Linear(64, 96), nn.Tanh(), nn.Linear(96, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.9, momentum=0.9)
    fit(path, model, optimizer, digits(), 40, batch=64)
