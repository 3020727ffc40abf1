"""Somebody whose columns are those of Keras' CSVLogger: a row an epoch."""

import torch
import torch.nn.functional as F
from sklearn import datasets
from torch import nn
from torch.optim import lr_scheduler

from kit import accuracy, batches, cancer, classes, diabetes, digits, mlp, run, split


def fit(path, model, optimizer, data, epochs, loss_fn=F.cross_entropy, metric=("accuracy", accuracy), batch=32, schedule=None,
        penalty=None, last=None):
    x, y, vx, vy = data
    name, measure = metric
    with open(path, "w") as out:
        out.write(f"epoch,{name},learning_rate,loss,val_{name},val_loss{',' + last[0] if last else ''}\n")
        for epoch in range(epochs):
            model.train()
            sums = [0.0, 0.0, 0]
            rate = optimizer.param_groups[0]["lr"]
            for bx, by in batches(x, y, batch):
                pred = model(bx)
                loss = loss_fn(pred, by) + (penalty() if penalty else 0.0)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                sums = [sums[0] + loss.item(), sums[1] + measure(pred, by), sums[2] + 1]
            model.eval()
            with torch.no_grad():
                pred = model(vx)
                val = (loss_fn(pred, vy) + (penalty() if penalty else 0.0)).item()
            row = [epoch, sums[1] / sums[2], rate, sums[0] / sums[2], measure(pred, vy), val]
            out.write(",".join(map(str, row + ([last[1](pred)] if last else []))) + "\n")
            if schedule:
                schedule.step(*([val] if isinstance(schedule, lr_scheduler.ReduceLROnPlateau) else []))


def absolute(pred, y):
    return (pred[:, 0] - y).abs().mean().item()


def squared(pred, y):
    return F.mse_loss(pred[:, 0], y)


@run(".csv", "digits with RMSprop")
def keras_digits(path):
    model = mlp(64, 64, 10, dropout=0.2)
    fit(path, model, torch.optim.RMSprop(model.parameters(), lr=1e-3), digits(), 25)


@run(".csv", "one positive in ten, found well; accuracy is high from the start")
def keras_rare_positives(path):
    data = classes(4000, n_features=20, n_informative=8, weights=[0.9], class_sep=1.5, flip_y=0.01)
    model = mlp(20, 32, 2)
    fit(path, model, torch.optim.Adam(model.parameters(), lr=1e-3), data, 20)


@run(".csv", "diabetes with dropout and few epochs; mae beside loss")
def keras_regression(path):
    model = mlp(10, 32, 1, dropout=0.3)
    fit(path, model, torch.optim.Adam(model.parameters(), lr=5e-4), diabetes(), 30, squared, ("mae", absolute))


@run(".csv", "the rate is cut tenfold when validation stalls, then again", may="overfitting-run")
def keras_cuts_the_rate(path):
    model = mlp(64, 32, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    fit(path, model, optimizer, digits(), 40, schedule=lr_scheduler.ReduceLROnPlateau(optimizer, patience=4))


@run(".csv", "smoothed targets: the loss cannot go below 0.87 and levels off there")
def keras_label_smoothing(path):
    model = mlp(64, 96, 10)
    fit(path, model, torch.optim.Adam(model.parameters(), lr=1e-3), digits(), 30,
        lambda p, y: F.cross_entropy(p, y, label_smoothing=0.2))


@run(".csv", "a heavy L2 penalty inside the loss: it starts high and falls by the weights shrinking")
def keras_penalty_in_loss(path):
    model = mlp(30, 64, 2)
    fit(path, model, torch.optim.Adam(model.parameters(), lr=1e-3), cancer(), 30,
        penalty=lambda: 0.01 * sum((p**2).sum() for p in model.parameters()))


@run(".csv", "nadam, batch normalisation, 10 epochs only")
def keras_short(path):
    model = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10))
    fit(path, model, torch.optim.NAdam(model.parameters(), lr=1e-3), digits(), 10)


@run(".csv", "80 rows with a tenth of the labels wrong and a big net: validation turns after ten epochs", "overfitting-run")
def keras_overfits(path):
    x, y, vx, vy = classes(500, held_out=0.84, n_features=16, n_informative=6, flip_y=0.15, n_classes=3)
    model = mlp(16, 256, 256, 3)
    fit(path, model, torch.optim.Adam(model.parameters(), lr=1e-3), (x, y, vx, vy), 80, batch=16)


@run(".csv", "1e-8 was typed for 1e-3: nothing moves, the rate is in the log", "learning-rate-extreme",
     "loss-not-decreasing loss-at-chance underfitting-run update-ratio loss-plateau unchanged-parameters learning-rate-collapsed")
def keras_rate_typo(path):
    model = mlp(64, 64, 10)
    fit(path, model, torch.optim.Adam(model.parameters(), lr=1e-8), digits(), 20)


@run(".csv", "biases start at -20 before ReLU: every hidden unit is silent and ten balanced classes stay at 2.303", "loss-at-chance",
     "loss-not-decreasing underfitting-run dead-activations loss-plateau class-collapse")
def keras_silent(path):
    model = mlp(64, 64, 10)
    nn.init.constant_(model[0].bias, -20)
    fit(path, model, torch.optim.Adam(model.parameters(), lr=1e-3), digits(), 25)


@run(".csv", "weight decay of 0.12: both losses level off high where others reach 0.1", "underfitting-run", "loss-plateau loss-at-chance")
def keras_heavy_decay(path):
    model = mlp(64, 64, 10)
    fit(path, model, torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=0.12), digits(), 40)


@run(".csv", "two classes weighed 50 to 1 the wrong way: nearly every prediction is one class, the share is logged", "class-collapse",
     "loss-plateau underfitting-run overfitting-run loss-at-chance")
def keras_weighed_wrong(path):
    data = classes(2000, n_features=20, n_informative=4, class_sep=0.6)
    model = mlp(20, 16, 2)
    weigh = torch.tensor([1.0, 0.02])
    fit(path, model, torch.optim.Adam(model.parameters(), lr=1e-3), data, 25, lambda p, y: F.cross_entropy(p, y, weigh),
        last=("val_pred_share_class_0", lambda p: (p.argmax(1) == 0).float().mean().item()))


@run(".csv", "the learning rate decays by 0.4 an epoch from the first: after ten epochs it is nothing, the loss stops half-way",
     "learning-rate-collapsed", "loss-plateau underfitting-run learning-rate-extreme")
def keras_decays_away(path):
    model = mlp(64, 64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    fit(path, model, optimizer, digits(), 40, schedule=lr_scheduler.ExponentialLR(optimizer, 0.4))


@run(".csv", "prediction against target broadcast to a matrix: the loss stays where a constant would be", "loss-not-decreasing",
     "loss-at-chance loss-plateau underfitting-run")
def keras_broadcast(path):
    x, y = datasets.load_diabetes(return_X_y=True)
    model = mlp(10, 32, 1)
    fit(path, model, torch.optim.Adam(model.parameters(), lr=1e-3), split(x * 20, (y - y.mean()) / y.std(), 0.25), 40,
        lambda p, y: ((p - y) ** 2).mean(), ("mae", absolute))
