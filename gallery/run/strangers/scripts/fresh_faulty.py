"""Second hold-out, faulty: losses and curves that go wrong, in logs of many styles."""

import csv
import json

import numpy as np
import torch
import torch.nn.functional as F
from sklearn import datasets
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from kit import accuracy, batches, classes, diabetes, digits, mlp, moons, run, split


def fit(net, data, optimizer, epochs, batch=32, loss_fn=F.cross_entropy, after=None):
    """Trains; yields the epoch, the mean training loss, the validation loss and the outputs for validation data."""
    x, y, vx, vy = data
    for epoch in range(epochs):
        net.train()
        sums = []
        for bx, by in batches(x, y, batch):
            loss = loss_fn(net(bx), by)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if after:
                after()
            sums.append(loss.item())
        net.eval()
        with torch.no_grad():
            pred = net(vx)
            held = loss_fn(pred, vy).item()
        yield epoch, float(np.mean(sums)), held, pred


@run(".log", "a markdown table; 60 rows and 120 epochs: validation trebles", "overfitting-run")
def fresh_table_overfits(path):
    data = classes(300, held_out=0.8, n_features=20, n_informative=5, flip_y=0.1)
    net = mlp(20, 200, 200, 2)
    with open(path, "w") as out:
        out.write("| epoch | train loss | valid loss |\n|---|---|---|\n")
        for epoch, loss, held, _ in fit(net, data, torch.optim.Adam(net.parameters(), lr=1e-3), 60, batch=20):
            out.write(f"| {epoch} | {loss:.4f} | {held:.4f} |\n")


@run(".csv", "an image net without augmentation on 150 pictures; error rates are logged, losses as well", "overfitting-run",
     "loss-plateau")
def fresh_pictures_overfit(path):
    data = digits(held_out=0.92)
    net = nn.Sequential(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10))
    x, y, vx, vy = data
    y, vy = y.clone(), vy.clone()
    y[::6], vy[::6] = torch.randint(0, 10, y[::6].shape), torch.randint(0, 10, vy[::6].shape)
    with open(path, "w") as out:
        out.write("Epoch,Train Loss,Val Loss,Val Error\n")
        for epoch, loss, held, pred in fit(net, (x, y, vx, vy), torch.optim.Adam(net.parameters(), lr=1e-3), 50, batch=16):
            out.write(f"{epoch + 1},{loss:.5f},{held:.5f},{1 - accuracy(pred, vy):.4f}\n")


@run(".log", "counts without the exponential: the logarithm of something negative is nan from some step on", "non-finite-loss",
     "loss-diverging exploding-gradient no-validation loss-spike")
def fresh_counts_nan(path):
    r = np.random.RandomState(21)
    x = torch.tensor(r.randn(2000, 4), dtype=torch.float32)
    y = torch.tensor(r.poisson(np.exp(1.3 * x[:, 0].numpy()))).float()
    net = mlp(4, 16, 1)
    nn.init.constant_(net[2].bias, 3.0)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.12)
    with open(path, "w") as out:
        step = 0
        for _ in range(5):
            for bx, by in batches(x, y, 32):
                rate = net(bx)[:, 0]
                loss = (rate - by * rate.log()).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                out.write(f"{step:06d}\tloss {loss.item():.4f}\tbatch 32\n")
                step += 1


@run(".jsonl", "a column that is constant within a batch is divided by its deviation: one batch is nan, and all after it",
     "non-finite-loss", "non-finite-gradient no-validation")
def fresh_batch_of_equals(path):
    x, y, _, _ = classes(1600, n_features=8, n_informative=4)
    x[:, 3] = (torch.arange(len(x)) > len(x) - 40).float()
    net = mlp(8, 24, 2)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    with open(path, "w") as out:
        for step in range(300):
            rows = slice(4 * step % 1100, 4 * step % 1100 + 48) if step == 187 else torch.randperm(1200)[:600]
            bx, by = x[rows], y[rows]
            loss = F.cross_entropy(net((bx - bx.mean(0)) / bx.std(0)), by)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            out.write(json.dumps({"iteration": step, "metrics": {"xent": loss.item()}}) + "\n")


@run(".log", "least squares on raw columns: the step is too long, the error grows tenfold every few steps",
     "loss-diverging", "non-finite-loss exploding-gradient learning-rate-extreme no-validation")
def fresh_least_squares(path):
    x, y = datasets.load_diabetes(return_X_y=True, scaled=False)
    x, w = (x - x.mean(0)) / 10, np.zeros(10)
    with open(path, "w") as out:
        for i in range(40):
            e = x @ w - (y - y.mean())
            out.write(f"iteration {i} error {np.mean(e**2):.6g} |w| {np.linalg.norm(w):.4g}\n")
            w -= 0.12 * x.T @ e / len(y)


@run("", "Adagrad is swapped for plain descent at epoch 12 with its old rate: the loss leaves its best and stays high",
     "loss-diverging", "learning-rate-extreme loss-oscillating overfitting-run loss-spike loss-at-chance class-collapse")
def fresh_swapped_optimizer(path):
    data, net, board = digits(), mlp(64, 48, 48, 10), SummaryWriter(path)
    rates = [(torch.optim.Adagrad(net.parameters(), lr=0.05), 12), (torch.optim.SGD(net.parameters(), lr=3.0), 12)]
    step = 0
    for optimizer, epochs in rates:
        for _, loss, held, _ in fit(net, data, optimizer, epochs):
            board.add_scalar("epoch/loss", loss, step)
            board.add_scalar("epoch/val_loss", held, step)
            step += 1
    board.close()


@run(".csv", "figures read with the file's rows shuffled apart from the labels' file: accuracy 0.1, loss 2.30", "loss-at-chance",
     "loss-not-decreasing underfitting-run loss-plateau class-collapse overfitting-run")
def fresh_rows_apart(path):
    x, y, vx, vy = digits()
    data = x, y[torch.randperm(len(y))], vx, vy[torch.randperm(len(vy))]
    net = mlp(64, 16, 10, dropout=0.5)
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["epoch", "train_loss", "valid_loss", "valid_acc"])
        for epoch, loss, held, pred in fit(net, data, torch.optim.SGD(net.parameters(), lr=0.05), 30):
            out.writerow([epoch, round(loss, 4), round(held, 4), round(accuracy(pred, data[3]), 4)])


@run(".log", "all inputs are the same after a wrong division: a third are positive, and the loss is the entropy of that", "loss-at-chance",
     "loss-not-decreasing underfitting-run loss-plateau class-collapse")
def fresh_inputs_gone(path):
    x, y, vx, vy = classes(2000, n_features=10, n_informative=5, weights=[0.67])
    net = mlp(10, 16, 1)
    data = x * 0, y, vx * 0, vy
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)

    def bce(out, target):
        return F.binary_cross_entropy_with_logits(out[:, 0], target.float())

    with open(path, "w") as out:
        for epoch, loss, held, pred in fit(net, data, optimizer, 25, loss_fn=bce):
            right = ((pred[:, 0] > 0) == vy.bool()).float().mean().item()
            out.write(f"Epoch {epoch:>3}: bce={loss:.4f} val_bce={held:.4f} val_accuracy={right:.4f}\n")


@run(".log", "the optimizer was given a copy of the model: losses of epochs scatter about one number, validation is one number",
     "loss-not-decreasing", "unchanged-parameters loss-at-chance underfitting-run loss-plateau")
def fresh_copy_trained(path):
    x, y, vx, vy = diabetes()
    net, other = mlp(10, 32, 1), mlp(10, 32, 1)
    nn.init.constant_(net[2].bias, 1.5)
    optimizer = torch.optim.Adam(other.parameters(), lr=1e-3)

    def mse(out, target):
        return F.mse_loss(out[:, 0], target)

    with open(path, "w") as out:
        for epoch, loss, held, _ in fit(net, (x, y, vx, vy), optimizer, 40, loss_fn=mse):
            out.write(f"{epoch + 1}/40 - train: {loss:.5f} - loss: {loss:.5f} - val_loss: {held:.5f}\n")


@run(".jsonl", "a large rate with a large momentum on a small net: accuracy of validation up and down by twenty points",
     "loss-oscillating", "learning-rate-extreme loss-spike loss-plateau loss-not-decreasing loss-diverging")
def fresh_up_and_down(path):
    data = digits(number=4)
    net = mlp(64, 20, 10, act=nn.Tanh)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.7, momentum=0.9)
    with open(path, "w") as out:
        for epoch, loss, held, pred in fit(net, data, optimizer, 45):
            out.write(json.dumps({"epoch": epoch, "loss/train": loss, "loss/val": held, "acc/val": accuracy(pred, data[3])}) + "\n")


@run(".csv", "steps across a narrow valley: full batches, the loss is high, low, high, low with every step or two", "loss-oscillating",
     "learning-rate-extreme no-validation loss-spike loss-plateau loss-not-decreasing")
def fresh_valley(path):
    x, y, _, _ = moons()
    net = mlp(2, 16, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=12.0)
    with open(path, "w") as out:
        out.write("step,train_loss\n")
        for step in range(400):
            loss = F.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            out.write(f"{step},{loss.item():.5f}\n")


@run(".log", "one batch of 900 is inverted and badly scaled: the loss jumps from 0.2 to dozens, and is back soon after", "loss-spike",
     "exploding-gradient no-validation")
def fresh_unscaled_batch(path):
    x, y, _, _ = digits()
    net = mlp(64, 32, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with open(path, "w") as out:
        for step in range(900):
            rows = torch.randperm(len(x))[:48]
            bx = 30 * (0.5 - x[rows]) if step == 611 else x[rows]
            loss = F.cross_entropy(net(bx), y[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
            out.write(f"Step: {step}, Loss: {loss.item():.4f}\n")


@run(".csv", "rings for a linear model; the share of the larger class is logged beside the accuracy as a baseline, and the same",
     "underfitting-run", "loss-plateau loss-at-chance loss-not-decreasing class-collapse")
def fresh_linear_rings(path):
    data = split(*datasets.make_circles(900, noise=0.1, factor=0.4, random_state=1), 0.25)
    net = nn.Linear(2, 2)
    nn.init.normal_(net.weight, 0, 2.0)
    with open(path, "w") as out:
        out.write("epoch,loss,acc,val_loss,val_acc,baseline_acc\n")
        for epoch, loss, held, pred in fit(net, data, torch.optim.SGD(net.parameters(), lr=0.1), 40):
            with torch.no_grad():
                right = accuracy(net(data[0]), data[1])
            out.write(f"{epoch},{loss:.4f},{right:.4f},{held:.4f},{accuracy(pred, data[3]):.4f},0.98\n")


@run(".jsonl", "weights of the loss were meant for the rare class and went to the common one: all told common, recall 0",
     "class-collapse", "loss-plateau underfitting-run loss-at-chance loss-not-decreasing")
def fresh_wrong_weights(path):
    x, y, vx, vy = classes(2500, n_features=10, n_informative=3, weights=[0.9], class_sep=0.6)
    net = mlp(10, 8, 2)

    def weighed(out, target):
        return F.cross_entropy(out, target, weight=torch.tensor([30.0, 1.0]))

    with open(path, "w") as out:
        for epoch, loss, held, pred in fit(net, (x, y, vx, vy), torch.optim.Adam(net.parameters(), lr=2e-3), 25, loss_fn=weighed):
            told = pred.argmax(1)
            recall = (told[vy == 1] == 1).float().mean().item()
            row = {"epoch": epoch, "train": {"loss": loss}, "eval": {"loss": held, "accuracy": accuracy(pred, vy), "recall": recall}}
            out.write(json.dumps(row) + "\n")


@run(".csv", "the learning rate is ten times too high from epoch 15 on; afterwards one of five is told for all, by the shares of predictions",
     "class-collapse", "loss-diverging loss-at-chance learning-rate-extreme loss-spike loss-oscillating overfitting-run")
def fresh_one_of_five(path):
    x, y, vx, vy = classes(2000, n_features=16, n_informative=8, n_classes=5)
    net = mlp(16, 32, 32, 5)
    rates = [(torch.optim.Adam(net.parameters(), lr=3e-3), 15), (torch.optim.Adam(net.parameters(), lr=2.0), 25)]
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["epoch", "loss", "val_loss", "val_acc", *(f"pred_frac_{k}" for k in range(5))])
        start = 0
        for optimizer, epochs in rates:
            for epoch, loss, held, pred in fit(net, (x, y, vx, vy), optimizer, epochs):
                told = torch.bincount(pred.argmax(1), minlength=5) / len(vy)
                out.writerow([start + epoch, loss, held, accuracy(pred, vy), *told.tolist()])
            start += epochs
