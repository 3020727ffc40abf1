"""Healthy runs: tasks and regularisers that shape the curve."""

import copy

import numpy
import torch
from data import cancer, digits, noisy_labels, rare_class, shapes, tensors, waves
from record import run
from sklearn.metrics import f1_score, roc_auc_score
from torch import nn
from torch.nn import functional as F
from torch.optim import lr_scheduler as schedules
from train import Shares, accuracy, cnn, epochs, mlp, regress, score, steps


@run("jsonl")
def logistic_noisy_labels(log):
    """the features tell little of the label: the loss stays near 0.6, and is right to"""
    train, val = noisy_labels(strength=1.4)
    model = nn.Linear(10, 2)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.02), epochs=12, size=32):
        if s.index % 5 == 0:
            log({"step": s.index, "train/loss": s.loss})
        if s.ends:
            log({"step": s.index, "val/loss": score(model, val), "val/auc": auc(model, val)})


@torch.no_grad()
def auc(model, val):
    model.eval()
    return roc_auc_score(val[1], model(val[0]).softmax(1)[:, 1])


@run("csv")
def cnn_digits_label_smoothing(log):
    """label smoothing: the training loss has a floor well above zero"""
    train, val = digits()
    model = cnn(8, 10)

    def smooth(model, x, y):
        return F.cross_entropy(model(x), y, label_smoothing=0.1)

    for s in epochs(model, train, torch.optim.Adam(model.parameters(), 2e-3), smooth, epochs=25):
        log(epoch=s.epoch + 1, loss=s.loss, val_loss=score(model, val, smooth), val_acc=accuracy(model, val))


@run("csv")
def cnn_digits_mixup(log):
    """mixup: the training loss stays above the validation loss"""
    train, val = digits()
    model = cnn(8, 10)

    def mixup(model, x, y):
        share, other = numpy.random.beta(1.0, 1.0), torch.randperm(len(x))
        out = model(share * x + (1 - share) * x[other])
        return share * F.cross_entropy(out, y) + (1 - share) * F.cross_entropy(out, y[other])

    for s in epochs(model, train, torch.optim.Adam(model.parameters(), 2e-3), mixup, epochs=30):
        log(epoch=s.epoch + 1, train_loss=s.loss, valid_loss=score(model, val), valid_acc=accuracy(model, val))


@run("text")
def mlp_digits_heavy_dropout(log):
    """dropout of 0.7: the training loss is twice the validation loss"""
    train, val = digits()
    model = mlp(64, 256, 256, 10, drop=0.7)
    for s in epochs(model, train, torch.optim.Adam(model.parameters(), 1e-3), epochs=40):
        log(
            f"epoch: {s.epoch}, train_loss: {s.loss:.4f}, test_loss: {score(model, val):.4f}, "
            f"test_acc: {accuracy(model, val):.3f}"
        )


@run("csv")
def mlp_rare_class(log):
    """3 % positives and a final bias at their share: the loss starts far below ln 2"""
    train, val = rare_class()
    model = mlp(12, 32, 2)
    with torch.no_grad():
        model[-1].bias.copy_(torch.tensor([0.97, 0.03]).log())
        model[-1].weight.mul_(0.1)
    for s in steps(model, train, torch.optim.Adam(model.parameters(), 2e-4), epochs=20):
        if s.index % 10 == 0:
            log(step=s.index, loss=s.loss)
        if s.ends:
            log(step=s.index, val_loss=score(model, val), val_auc=auc(model, val))


def halves():
    """The digits below and from five, each as training and validation set."""
    train, val = digits()
    return [[(x[(y < 5) == low], y[(y < 5) == low]) for x, y in (train, val)] for low in (True, False)]


@run("csv")
def fine_tuning_digits(log):
    """a pretrained net on more of the same data: the loss starts low and hardly falls"""
    (x, y), val = digits()
    model = cnn(8, 10)
    for _ in epochs(model, (x[:900], y[:900]), torch.optim.Adam(model.parameters(), 1e-3), epochs=12):
        pass
    optimizer = torch.optim.AdamW(model.parameters(), 3e-5, weight_decay=0.01)
    for s in steps(model, (x[900:], y[900:]), optimizer, epochs=20, size=16):
        if s.index % 5 == 0:
            log(step=s.index, loss=s.loss, lr=s.lr)
        if s.ends:
            log(step=s.index, eval_loss=score(model, val), eval_accuracy=accuracy(model, val))


@run("csv")
def transfer_frozen_features(log):
    """only the head is trained, on features learnt from other classes"""
    (low, _), (train, val) = halves()
    model = cnn(8, 10)
    for _ in epochs(model, low, torch.optim.Adam(model.parameters(), 1e-3), epochs=8):
        pass
    for parameter in model[:-1].parameters():
        parameter.requires_grad = False
    optimizer = torch.optim.Adam(model[-1].parameters(), 3e-3)
    for s in epochs(model, train, optimizer, epochs=25, size=32):
        log(epoch=s.epoch, loss=s.loss, val_loss=score(model, val), val_accuracy=accuracy(model, val))


@run("jsonl")
def curriculum_noise(log):
    """the pictures get noisier in four stages: the loss steps up at each, and falls again"""
    train, val = digits()
    model = cnn(8, 10)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for stage, noise in enumerate([0.0, 0.7, 1.4, 2.1]):

        def noisy(model, x, y, noise=noise):
            return F.cross_entropy(model(x + noise * torch.randn_like(x)), y)

        for s in steps(model, train, optimizer, noisy, epochs=12, first=stage * 12 * 22):
            if s.index % 4 == 0:
                log({"step": s.index, "loss": s.loss, "stage": stage})
            if s.ends:
                log({"step": s.index, "val_loss": score(model, val, noisy), "val_acc": accuracy(model, val)})


@run("csv")
def double_descent_linear(log):
    """features of two scales: the validation loss falls, rises and falls again, lower than before"""
    random = numpy.random.default_rng(11)
    scales = numpy.r_[numpy.ones(70), numpy.full(20, 0.1)]
    truth = numpy.r_[random.normal(size=70) / 70**0.5, random.normal(size=20) / 20**0.5 / 0.1]
    x = random.normal(size=(3100, 90)) * scales
    y = (x @ truth)[:, None]
    train, val = tensors(x[:100], y[:100]), tensors(x[100:], y[100:])
    model = nn.Linear(90, 1, bias=False)
    nn.init.zeros_(model.weight)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.02), regress, limit=40_000, size=100):
        if s.index % 50 == 0 or (s.index < 100 and s.index % 5 == 0):
            log(step=s.index, train_mse=s.loss, test_mse=score(model, val, regress))


@run("text")
def cnn_shapes_short(log):
    """five epochs, one line each"""
    train, val = (part[:2] for part in shapes())
    model = cnn(16, 3)
    for s in epochs(model, train, torch.optim.Adam(model.parameters(), 1e-3), epochs=5):
        log(f"Train Epoch: {s.epoch + 1} \tLoss: {s.loss:.6f}")
        log(f"Test set: Average loss: {score(model, val):.4f}, Accuracy: {100 * accuracy(model, val):.1f}%")


@run("csv")
def metrics_only_cancer(log):
    """no loss is logged, only accuracy, F1 and the area under the curve"""
    train, val = cancer()
    model = mlp(30, 16, 2)
    for s in epochs(model, train, torch.optim.SGD(model.parameters(), 0.02), epochs=40, size=32):
        f1 = f1_score(val[1], model(val[0]).argmax(1))
        log(
            epoch=s.epoch,
            train_acc=accuracy(model, train),
            val_acc=accuracy(model, val),
            val_f1=f1,
            val_auc=auc(model, val),
        )


@run("csv")
def early_stopped_digits(log):
    """stopped five epochs after the best validation loss"""
    train, val = digits()
    model = mlp(64, 256, 10)
    best, waited = float("inf"), 0
    for s in epochs(model, train, torch.optim.Adam(model.parameters(), 2e-3), epochs=100):
        loss = score(model, val)
        log(epoch=s.epoch, train_loss=s.loss, val_loss=loss, val_acc=accuracy(model, val))
        best, waited = (loss, 0) if loss < best else (best, waited + 1)
        if waited == 5:
            return


@run("csv")
def cosine_end_validation_noise(log):
    """at the end of the cosine the validation loss rises by less than its noise"""
    train, (x, y) = waves(noise=0.5)
    model = mlp(4, 32, 32, 1)
    optimizer = torch.optim.AdamW(model.parameters(), 4e-3, weight_decay=0.05)
    schedule = schedules.CosineAnnealingLR(optimizer, 30 * 36)
    for s in epochs(model, train, optimizer, regress, epochs=30, schedule=schedule):
        rows = torch.randperm(len(x))[:200]
        log({"epoch": s.epoch, "train/loss": s.loss, "val/loss": score(model, (x[rows], y[rows]), regress), "lr": s.lr})


@run("jsonl")
def averaged_weights(log):
    """a large constant rate; the average of the weights is validated beside them, and is better"""
    train, val = digits()
    model = mlp(64, 64, 10, drop=0.3)
    average = copy.deepcopy(model)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.2), epochs=25, size=16):
        with torch.no_grad():
            for mean, now in zip(average.parameters(), model.parameters()):
                mean.lerp_(now, 0.005)
        if s.index % 10 == 0:
            log({"step": s.index, "train_loss": s.loss})
        if s.ends:
            log(
                {
                    "step": s.index,
                    "val_loss": score(model, val),
                    "val_loss_ema": score(average, val),
                    "val_acc_ema": accuracy(average, val),
                }
            )


@run("csv")
def distillation_digits(log):
    """a small student follows a teacher and the labels: two terms and their sum"""
    train, val = digits()
    teacher, student = cnn(8, 10), mlp(64, 12, 10)
    for _ in epochs(teacher, train, torch.optim.Adam(teacher.parameters(), 2e-3), epochs=8):
        pass
    teacher.eval()

    def distil(model, x, y):
        out = model(x)
        target = F.softmax(teacher(x).detach() / 3, 1)
        terms = {
            "kd": 9 * F.kl_div(F.log_softmax(out / 3, 1), target, reduction="batchmean"),
            "ce": F.cross_entropy(out, y),
        }
        return {**terms, "loss": 0.9 * terms["kd"] + 0.1 * terms["ce"]}

    for s in epochs(student, train, torch.optim.Adam(student.parameters(), 2e-3), distil, epochs=40):
        log(
            epoch=s.epoch,
            loss=s.loss,
            kd_loss=s.terms["kd"],
            ce_loss=s.terms["ce"],
            val_acc=accuracy(student, val),
            val_loss=score(student, val),
        )


class Uncertain(nn.Module):
    """Two heads and the log variance of each task (Kendall, Gal and Cipolla 2018)."""

    def __init__(self):
        super().__init__()
        self.body, self.log_variance = mlp(4, 64, 64, 2), nn.Parameter(torch.zeros(2))

    def forward(self, x):
        return self.body(x)


def uncertain_loss(model, x, y):
    out = model(x)
    errors = torch.stack([F.mse_loss(out[:, :1], y), F.mse_loss(out[:, 1:], x[:, :1] * x[:, 1:2])])
    weighted = errors * torch.exp(-model.log_variance) + model.log_variance
    return {"loss": weighted.sum(), "task_a": errors[0], "task_b": errors[1]}


@run("events")
def multitask_uncertainty(log):
    """two tasks weighted by their learnt uncertainty: the total goes below zero"""
    train, val = waves()
    model = Uncertain()
    for s in steps(model, train, torch.optim.Adam(model.parameters(), 3e-3), uncertain_loss, epochs=18):
        if s.index % 3 == 0:
            log(s.index, {"loss/total": s.loss, "loss/task_a": s.terms["task_a"], "loss/task_b": s.terms["task_b"]})
        if s.ends:
            log(s.index, {"val/total": score(model, val, uncertain_loss)})


@run("csv")
def quantile_regression(log):
    """the pinball loss of the 0.9 quantile: small numbers that fall to the noise"""
    train, val = waves(noise=0.6)
    model = mlp(4, 32, 1)

    def pinball(model, x, y):
        error = y - model(x)
        return torch.maximum(0.9 * error, -0.1 * error).mean()

    for s in epochs(model, train, torch.optim.Adam(model.parameters(), 2e-3), pinball, epochs=35):
        log(epoch=s.epoch, pinball_loss=s.loss, val_pinball_loss=score(model, val, pinball))


@run("jsonl")
def physics_informed(log):
    """a net that solves u'' = -pi^2 sin(pi x): the residual term is far larger than the boundary term, and both fall"""
    model = mlp(1, 32, 32, 1, act=nn.Tanh)
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    for step in range(1500):
        x = torch.rand(64, 1).requires_grad_()
        u = model(x)
        [du] = torch.autograd.grad(u.sum(), x, create_graph=True)
        [ddu] = torch.autograd.grad(du.sum(), x, create_graph=True)
        pde = (ddu + torch.pi**2 * torch.sin(torch.pi * x)).square().mean()
        boundary = model(torch.tensor([[0.0], [1.0]])).square().mean()
        optimizer.zero_grad()
        (pde + 100 * boundary).backward()
        optimizer.step()
        if step % 10 == 0:
            log(iter=step, loss=(pde + 100 * boundary).item(), loss_pde=pde.item(), loss_bc=boundary.item())


@run("csv")
def matrix_factorisation(log):
    """ratings from the product of two embeddings"""
    random = numpy.random.default_rng(12)
    users, items = random.normal(size=(200, 4)), random.normal(size=(150, 4))
    u, i = random.integers(200, size=12_000), random.integers(150, size=12_000)
    rating = (users[u] * items[i]).sum(1) / 2 + 3.5 + 0.3 * random.normal(size=12_000)
    pairs, rating = torch.as_tensor(numpy.column_stack([u, i])), torch.as_tensor(rating, dtype=torch.float32)
    model = nn.ModuleList([nn.Embedding(200, 6), nn.Embedding(150, 6)])

    def squared(model, pair, rating):
        return F.mse_loss((model[0](pair[:, 0]) * model[1](pair[:, 1])).sum(1) + 3.5, rating)

    train, val = (pairs[:9000], rating[:9000]), (pairs[9000:], rating[9000:])
    optimizer = torch.optim.Adam(model.parameters(), 5e-3, weight_decay=3e-4)
    for s in epochs(model, train, optimizer, squared, epochs=30, size=128):
        log(epoch=s.epoch, train_rmse=s.loss**0.5, val_rmse=score(model, val, squared) ** 0.5)


@run("csv")
def sparse_activations(log):
    """the share of zeros behind each ReLU is logged: a fifth to a half"""
    train, val = (part[:2] for part in shapes())
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 16, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(400, 3),
    )
    shares = Shares(model, nn.ReLU, lambda out: out == 0, "sparsity/relu{}")
    for s in epochs(model, train, torch.optim.Adam(model.parameters(), 1e-3), epochs=15):
        log(
            {
                "epoch": s.epoch,
                "loss": s.loss,
                "val_loss": score(model, val),
                "val_acc": accuracy(model, val),
                **shares.last,
            }
        )


@run("jsonl")
def shares_of_classes(log):
    """the share of each predicted class and of saturated units is logged: the classes come into balance"""
    train, val = digits()
    model = mlp(64, 64, 10, act=nn.Tanh)
    shares = Shares(model, nn.Tanh, lambda out: out.abs() > 0.97, "saturated/tanh{}")
    for s in epochs(model, train, torch.optim.SGD(model.parameters(), 0.03, momentum=0.9), epochs=20):
        predicted = model(val[0]).argmax(1)
        counts = {f"pred_share/{k}": (predicted == k).float().mean().item() for k in range(10)}
        log({"epoch": s.epoch, "train/loss": s.loss, "val/loss": score(model, val), **counts, **shares.last})
