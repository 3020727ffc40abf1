"""The printouts of other tools: Keras' bar, fastai's table, xgboost's rounds, detectron2's metrics, a wandb export."""

import copy
import csv
import json
import math
import time

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import log_loss
from torch import nn

from board import board, step_of
from kit import accuracy, batches, classes, digits, endless, mlp, run, text
from yolo import detector, losses, pictures


def epochs_of(net, data, epochs, optimizer, batch=32, loss_fn=F.cross_entropy):
    """Trains; yields epoch, training loss and accuracy, validation loss and accuracy, seconds."""
    x, y, vx, vy = data
    for epoch in range(1, epochs + 1):
        began, sums = time.perf_counter(), []
        net.train()
        for bx, by in batches(x, y, batch):
            pred = net(bx)
            loss = loss_fn(pred, by)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            sums.append((loss.item(), accuracy(pred, by)))
        net.eval()
        with torch.no_grad():
            pred = net(vx)
            val = loss_fn(pred, vy).item(), accuracy(pred, vy)
        yield epoch, *np.mean(sums, 0), *val, time.perf_counter() - began


def keras_bar(path, net, data, epochs, optimizer):
    n = len(data[0]) // 32
    with open(path, "w") as out:
        for epoch, loss, acc, val, val_acc, spent in epochs_of(net, data, epochs, optimizer):
            out.write(f"Epoch {epoch}/{epochs}\n{n}/{n} [==============================] - {spent:.0f}s {1e3 * spent / n:.0f}ms/step - "
                      f"loss: {loss:.4f} - accuracy: {acc:.4f} - val_loss: {val:.4f} - val_accuracy: {val_acc:.4f}\n")


@run(".log", "the console of Keras, one bar an epoch")
def formats_keras_bar(path):
    net = mlp(64, 48, 10)
    keras_bar(path, net, digits(), 20, torch.optim.Adam(net.parameters(), lr=1e-3))


@run(".log", "the console of Keras; 90 rows and a wide net, validation loss trebles while training goes to nothing", "overfitting-run")
def formats_keras_bar_memorises(path):
    x, y, vx, vy = classes(600, held_out=0.84, n_features=24, n_informative=5, flip_y=0.15)
    net = mlp(24, 256, 256, 2)
    keras_bar(path, net, (x, y, vx, vy), 60, torch.optim.Adam(net.parameters(), lr=1e-3))


def fastai_table(path, net, data, epochs, optimizer, **options):
    with open(path, "w") as out:
        out.write(f"{'epoch':10}{'train_loss':12}{'valid_loss':12}{'accuracy':10}{'time':8}\n")
        for epoch, loss, _, val, val_acc, spent in epochs_of(net, data, epochs, optimizer, **options):
            out.write(f"{epoch - 1:<10}{loss:<12.6f}{val:<12.6f}{val_acc:<10.6f}00:{spent:02.0f}\n")


@run(".txt", "fastai's table in columns of spaces")
def formats_fastai(path):
    net = mlp(64, 64, 10, dropout=0.2)
    fastai_table(path, net, digits(), 15, torch.optim.AdamW(net.parameters(), lr=2e-3))


@run(".txt", "fastai's table; after a good start the loss of training and validation grows from epoch to epoch", "loss-diverging",
     "learning-rate-extreme loss-oscillating loss-spike overfitting-run exploding-gradient loss-not-decreasing")
def formats_fastai_diverges(path):
    net = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.LeakyReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

    def loss_fn(pred, y):
        optimizer.param_groups[0]["lr"] *= 1.005 if net.training else 1.0
        return F.multi_margin_loss(pred, y)

    fastai_table(path, net, digits(), 32, optimizer, loss_fn=loss_fn)


def boosted(path, rounds, depth, n, rate):
    x, y, vx, vy = [t.numpy() for t in classes(n, held_out=0.5, n_features=15, n_informative=5, flip_y=0.15)]
    model = GradientBoostingClassifier(n_estimators=rounds, max_depth=depth, learning_rate=rate, random_state=0).fit(x, y)
    with open(path, "w") as out:
        both = zip(model.staged_predict_proba(x), model.staged_predict_proba(vx))
        for i, (p, q) in enumerate(both):
            out.write(f"[{i}]\ttrain-logloss:{log_loss(y, p):.5f}\tvalidation-logloss:{log_loss(vy, q):.5f}\n")


@run(".log", "boosted stumps in lines like xgboost's, 150 rounds", may="overfitting-run")
def formats_boosting(path):
    boosted(path, 150, 1, 3000, 0.1)


@run(".log", "deep boosted trees on 200 rows: validation is at its best in round 10 of 200 and doubles after", "overfitting-run")
def formats_boosting_deep(path):
    boosted(path, 200, 4, 400, 0.15)


@run(".json", "detectron2's metrics.json: total and terms, rate with warm-up, seconds of an iteration and of its data")
def formats_detectron(path):
    net = detector()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    stream, began = endless(*pictures(400, 21), 16), time.perf_counter()
    with open(path, "w") as out:
        for i in range(600):
            optimizer.param_groups[0]["lr"] = 0.01 * min(1, (i + 1) / 100) * (0.1 if i >= 450 else 1)
            x, y = next(stream)
            loaded = time.perf_counter()
            terms, _ = losses(net(x), y)
            optimizer.zero_grad()
            sum(terms).backward()
            optimizer.step()
            ended = time.perf_counter()
            if i % 20 == 19:
                row = {"data_time": loaded - began, "iteration": i, "loss_box_reg": terms[0].item(), "loss_cls": terms[1].item(),
                       "loss_dfl": terms[2].item(), "lr": optimizer.param_groups[0]["lr"], "time": ended - began,
                       "total_loss": sum(terms).item()}
                out.write(json.dumps(row) + "\n")
            began = ended


@run(".csv", "an export from wandb: `_step`, `_runtime`, `trainer/global_step`, blanks between")
def formats_wandb(path):
    net = mlp(64, 64, 10)
    names = ["_step", "_runtime", "epoch", "trainer/global_step", "train/loss_step", "train/loss_epoch", "val/loss", "val/acc"]
    with open(path, "w", newline="") as out:
        table = csv.DictWriter(out, names)
        table.writeheader()
        x, y, vx, vy = digits()
        optimizer, step, row, began = torch.optim.AdamW(net.parameters(), lr=2e-3), 0, 0, time.time()
        for epoch in range(15):
            sums = []
            for bx, by in batches(x, y, 32):
                loss = F.cross_entropy(net(bx), by)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                sums.append(loss.item())
                if step % 10 == 0:
                    table.writerow({"_step": row, "_runtime": time.time() - began, "epoch": epoch, "trainer/global_step": step,
                                    "train/loss_step": loss.item()})
                    row += 1
                step += 1
            pred = net(vx)
            table.writerow({"_step": row, "_runtime": time.time() - began, "epoch": epoch, "trainer/global_step": step,
                            "train/loss_epoch": np.mean(sums), "val/loss": F.cross_entropy(pred, vy).item(),
                            "val/acc": accuracy(pred, vy)})
            row += 1


@run(".jsonl", "views drawn together by a negative cosine: from 0 to about -0.9", may="no-validation")
def formats_negative_cosine(path):
    x, y, _, _ = digits()
    net, guess = nn.Sequential(mlp(64, 64, 32), nn.BatchNorm1d(32)), nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 32))
    optimizer = torch.optim.SGD([*net.parameters(), *guess.parameters()], lr=0.05, momentum=0.9)
    stream = endless(x, y, 64)
    with open(path, "w") as out:
        for step in range(500):
            bx, _ = next(stream)
            a, b = (net(bx + 0.2 * torch.randn_like(bx)) for _ in range(2))
            loss = -(F.cosine_similarity(guess(a), b.detach()).mean() + F.cosine_similarity(guess(b), a.detach()).mean()) / 2
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 2 == 0:
                out.write(json.dumps({"iter": step, "loss": loss.item(), "lr": 0.05}) + "\n")


@run(".csv", "mixed-up pictures: training loss stays near 1 and training accuracy low, validation is fine")
def formats_mixed_up(path):
    x, y, vx, vy = digits()
    net = mlp(64, 96, 10)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    with open(path, "w") as out:
        out.write("epoch,train_loss,train_acc,val_loss,val_acc\n")
        for epoch in range(30):
            sums = []
            for bx, by in batches(x, y, 32):
                share, other = np.random.beta(1, 1), torch.randperm(len(bx))
                pred = net(share * bx + (1 - share) * bx[other])
                loss = share * F.cross_entropy(pred, by) + (1 - share) * F.cross_entropy(pred, by[other])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                sums.append((loss.item(), accuracy(pred, by)))
            a, b = np.mean(sums, 0)
            out.write(f"{epoch},{a:.5f},{b:.4f},{F.cross_entropy(net(vx), vy).item():.5f},{accuracy(net(vx), vy):.4f}\n")


@run(".log", "full-batch descent at a large rate: the loss rises for some steps, then falls for good", may="loss-spike no-validation")
def formats_catapult(path):
    x, y, vx, vy = digits()
    net = mlp(64, 256, 10)
    goal = F.one_hot(y, 10).float()
    optimizer = torch.optim.SGD(net.parameters(), lr=1.2)
    with open(path, "w") as out:
        for step in range(250):
            loss = ((net(x) - goal) ** 2).mean() * 5
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            out.write(f"step: {step}, loss: {loss.item():.5f}, val_acc: {accuracy(net(vx), vy):.4f}\n")


@run("", "stopped at step 300 and gone on from a checkpoint of step 240: TensorBoard holds those steps twice")
def formats_goes_back(path):
    x, y, vx, vy = digits()
    net = mlp(64, 64, 10)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-4)
    stream = endless(x, y, 32)
    with board(path) as out:
        for first, last in ((0, 300), (240, 600)):
            if first:
                net.load_state_dict(kept[0])
                optimizer.load_state_dict(kept[1])
            for step in range(first, last):
                if step == 240 and not first:
                    kept = state_of(net), state_of(optimizer)
                bx, by = next(stream)
                loss = F.cross_entropy(net(bx), by)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                if step % 5 == 0:
                    out.add_scalar("train_loss", loss.item(), step)
                if step % 60 == 0:
                    out.add_scalar("val_loss", F.cross_entropy(net(vx), vy).item(), step)


def state_of(holder):
    return copy.deepcopy(holder.state_dict())


@run(".jsonl", "skip-grams with negative samples over source text: a noisy loss from 4.2 to 2, still falling slowly",
     may="no-validation")
def formats_skip_grams(path):
    source, n = text()
    inner, outer = nn.Embedding(n, 16), nn.Embedding(n, 16)
    nn.init.zeros_(outer.weight)
    optimizer = torch.optim.Adam([*inner.parameters(), *outer.parameters()], lr=5e-3)
    with open(path, "w") as out:
        for step in range(1200):
            at = torch.randint(3, len(source) - 3, (64,))
            near = source[at + torch.tensor([-2, -1, 1, 2])[torch.randint(0, 4, (64,))]]
            far = torch.randint(0, n, (64, 5))
            h = inner(source[at])
            loss = -(F.logsigmoid((h * outer(near)).sum(1)) + F.logsigmoid(-(h[:, None] * outer(far)).sum(2)).sum(1)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 4 == 0:
                out.write(json.dumps({"step": step, "loss": loss.item(), "pairs": 64 * step}) + "\n")


@run(".jsonl", "one layer has a rate of its own, a millionth of the others': its update against its weights is 1e-9, theirs 1e-3",
     "update-ratio", "learning-rate-extreme no-validation loss-plateau underfitting-run")
def formats_one_slow_layer(path):
    x, y, vx, vy = digits()
    net = mlp(64, 32, 32, 10)
    slow = [*net[2].parameters()]
    optimizer = torch.optim.Adam([{"params": [*net[0].parameters(), *net[4].parameters()]}, {"params": slow, "lr": 1e-10}], lr=1e-3)
    stream = endless(x, y, 32)
    with open(path, "w") as out:
        for step in range(400):
            before = {k: p.detach().double().clone() for k, p in net.named_parameters() if p.dim() > 1}
            bx, by = next(stream)
            loss = F.cross_entropy(net(bx), by)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 4 == 0:
                row = {"step": step, "train_loss": loss.item(), "val_loss": F.cross_entropy(net(vx), vy).item()}
                for k, p in net.named_parameters():
                    if k in before:
                        row[f"update_ratio/{k}"] = ((p.detach().double() - before[k]).norm() / before[k].norm()).item()
                out.write(json.dumps(row) + "\n")


@run("", "one layer of three has a rate of its own, 0.5: its update is twice its weights, the others' a hundredth",
     "update-ratio", "learning-rate-extreme loss-at-chance loss-plateau underfitting-run loss-spike loss-not-decreasing "
     "exploding-gradient no-validation loss-diverging")
def formats_one_fast_layer(path):
    x, y, vx, vy = digits()
    net = mlp(64, 32, 32, 10)
    slow, fast = [*net[0].parameters(), *net[4].parameters()], [*net[2].parameters()]
    optimizer = torch.optim.RMSprop([{"params": slow}, {"params": fast, "lr": 0.5, "weight_decay": 1.0}], lr=5e-4)
    stream = endless(x, y, 32)
    with board(path) as out:
        for step in range(400):
            before = {k: p.detach().clone() for k, p in net.named_parameters() if p.dim() > 1}
            bx, by = next(stream)
            loss = F.cross_entropy(net(bx), by)
            step_of(optimizer, loss)
            if step % 4 == 0:
                out.add_scalar("Loss/train", loss.item(), step)
                out.add_scalar("Loss/val", F.cross_entropy(net(vx), vy).item(), step)
                for k, p in net.named_parameters():
                    if k in before:
                        out.add_scalar(f"update_ratio/{k}", ((p - before[k]).norm() / before[k].norm()).item(), step)


@run(".jsonl", "inputs with very heavy tails, nothing clipped: norms of one, with bursts to thousands ever again, the loss thrown about",
     "exploding-gradient", "loss-spike loss-oscillating no-validation learning-rate-extreme loss-not-decreasing loss-plateau "
     "loss-diverging")
def formats_heavy_tails(path):
    r = np.random.RandomState(1)
    x = torch.tensor(np.clip(r.standard_cauchy((4000, 8)), -1e4, 1e4), dtype=torch.float32)
    y = torch.tanh(x[:, 0]) + 0.1 * torch.randn(4000)
    net = mlp(8, 32, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
    stream = endless(x, y, 16)
    with open(path, "w") as out:
        for step in range(500):
            bx, by = next(stream)
            loss = F.smooth_l1_loss(net(bx)[:, 0], by)
            optimizer.zero_grad()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(net.parameters(), math.inf).item()
            optimizer.step()
            out.write(json.dumps({"step": step, "loss": loss.item(), "grad_norm": norm}) + "\n")
