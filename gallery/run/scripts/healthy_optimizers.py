"""Healthy runs: optimizers and schedules."""

import torch
from data import blobs, cancer, diabetes, digits, shapes, spirals, waves
from record import run
from torch import nn
from torch.nn import functional as F
from torch.optim import lr_scheduler as schedules
from train import accuracy, cnn, epochs, grad_norms, mlp, regress, score, steps, weight_norms


@run("csv")
def mlp_digits_adam(log):
    """an MLP on the digits with Adam, validation every epoch"""
    train, val = digits()
    model = mlp(64, 64, 10, drop=0.2)
    for step in epochs(model, train, torch.optim.Adam(model.parameters(), 5e-4), epochs=30):
        log(epoch=step.epoch, train_loss=step.loss, val_loss=score(model, val), val_acc=accuracy(model, val))


@run("csv")
def mlp_digits_sgd_keras(log):
    """an MLP on the digits with plain SGD, logged in the manner of Keras"""
    train, val = digits()
    model = mlp(64, 64, 10)
    for s in epochs(model, train, torch.optim.SGD(model.parameters(), 0.05), epochs=40, size=32):
        log(
            epoch=s.epoch,
            accuracy=accuracy(model, train),
            loss=s.loss,
            val_accuracy=accuracy(model, val),
            val_loss=score(model, val),
        )


@run("events")
def cnn_digits_momentum_step(log):
    """a small convolutional net with momentum; the rate falls tenfold twice"""
    train, val = digits()
    model = cnn(8, 10)
    optimizer = torch.optim.SGD(model.parameters(), 0.02, momentum=0.9, weight_decay=5e-4)
    schedule = schedules.StepLR(optimizer, 7 * 22, 0.1)
    for s in steps(model, train, optimizer, schedule=schedule, epochs=20):
        log(s.index, {"Loss/train": s.loss, "lr": s.lr})
        if s.ends:
            log(s.epoch, {"Loss/val": score(model, val), "Accuracy/val": accuracy(model, val)})


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = cnn(16, 48)
        self.kind, self.box = nn.Linear(48, 3), nn.Linear(48, 3)

    def forward(self, x):
        x = self.body(x).relu()
        return self.kind(x), self.box(x).sigmoid()


def detection(model, x, kind, box, weight=7.5):
    kinds, boxes = model(x)
    terms = {"box": weight * F.smooth_l1_loss(boxes, box), "cls": 0.5 * F.cross_entropy(kinds, kind)}
    return {**terms, "loss": terms["box"] + terms["cls"]}


@torch.no_grad()
def detection_scores(model, val):
    model.eval()
    terms = detection(model, *val)
    close = (model(val[0])[1] - val[2]).abs().amax(1) < 0.05
    return {
        "metrics/precision(B)": (model(val[0])[0].argmax(1) == val[1]).float().mean().item(),
        "metrics/mAP50(B)": close.float().mean().item(),
        "val/box_loss": terms["box"].item(),
        "val/cls_loss": terms["cls"].item(),
    }


@run("yolo")
def detector_shapes_onecycle(log):
    """boxes and classes of synthetic shapes, one-cycle schedule, logged in the manner of YOLO"""
    train, val = shapes()
    model = Detector()
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, nesterov=True)
    schedule = schedules.OneCycleLR(optimizer, 0.1, 40 * 24)
    for s in epochs(model, train, optimizer, detection, epochs=40, schedule=schedule):
        train_terms = {"train/box_loss": s.terms["box"], "train/cls_loss": s.terms["cls"]}
        log({"epoch": s.epoch, **train_terms, **detection_scores(model, val), "lr/pg0": s.lr})


@run("csv")
def mlp_digits_adamw_cosine_lightning(log):
    """AdamW with a cosine to zero, logged in the manner of Lightning: blanks where a row lacks a value"""
    train, val = digits()
    model = mlp(64, 128, 10, drop=0.3)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.05)
    schedule = schedules.CosineAnnealingLR(optimizer, 25 * 22)
    total = []
    for s in steps(model, train, optimizer, epochs=25, schedule=schedule):
        total.append(s.loss)
        if s.index % 10 == 9:
            log(
                {
                    "epoch": s.epoch,
                    "lr-AdamW": s.lr,
                    "step": s.index,
                    "train_loss_epoch": None,
                    "train_loss_step": s.loss,
                    "val_acc": None,
                    "val_loss": None,
                }
            )
        if s.ends:
            log({"epoch": s.epoch, "step": s.index, "val_acc": accuracy(model, val), "val_loss": score(model, val)})
            log({"epoch": s.epoch, "step": s.index, "train_loss_epoch": sum(total) / len(total)})
            total = []


@run("text")
def mlp_blobs_rmsprop_text(log):
    """overlapping blobs with RMSprop, printed once an epoch"""
    train, val = blobs()
    model = mlp(20, 16, 5)
    for s in epochs(model, train, torch.optim.RMSprop(model.parameters(), 3e-4), epochs=20, size=32):
        log(
            f"Epoch {s.epoch + 1}/20 - loss: {s.loss:.4f} - val_loss: {score(model, val):.4f} - "
            f"val_acc: {accuracy(model, val):.4f}"
        )


@run("jsonl")
def logistic_cancer_adagrad(log):
    """logistic regression on breast cancer with Adagrad"""
    train, val = cancer()
    model = nn.Linear(30, 2)
    for s in steps(model, train, torch.optim.Adagrad(model.parameters(), 0.02), epochs=40, size=32):
        if s.index % 5 == 0:
            log({"step": s.index, "loss": s.loss})
        if s.ends:
            log({"step": s.index, "eval/loss": score(model, val), "eval/accuracy": accuracy(model, val)})


@run("csv")
def ridge_cancer_lbfgs(log):
    """a penalised logistic regression fitted by L-BFGS: it has converged after a dozen of its 30 iterations"""
    train, val = cancer()
    model = nn.Linear(30, 2)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=2, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(train[0]), train[1]) + 0.01 * model.weight.square().sum()
        loss.backward()
        return loss

    for iteration in range(30):
        loss = optimizer.step(closure)
        log(iter=iteration, objective=loss.item(), train_loss=score(model, train), val_loss=score(model, val))


@run("jsonl")
def mlp_digits_warmup_cosine(log):
    """linear warm-up from zero, then a cosine; loss, rate and gradient norm every 5 steps"""
    train, val = digits()
    model = mlp(64, 128, 128, 10)
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.1)
    warm = schedules.LambdaLR(optimizer, lambda i: i / 60)
    schedule = schedules.SequentialLR(optimizer, [warm, schedules.CosineAnnealingLR(optimizer, 540)], [60])
    for s in steps(model, train, optimizer, limit=600, schedule=schedule, size=128):
        if s.index % 5 == 0:
            log({"step": s.index, "train/loss": s.loss, "lr": s.lr, "grad_norm": s.norm})
        if s.index % 60 == 59:
            log({"step": s.index, "val/loss": score(model, val), "val/top1": 100 * accuracy(model, val)})


@run("csv")
def mlp_blobs_cyclic(log):
    """a triangular cyclic rate: the loss goes up and down with it"""
    train, val = blobs(n=20_000)
    model = mlp(20, 64, 5)
    optimizer = torch.optim.SGD(model.parameters(), 1e-3, momentum=0.9)
    schedule = schedules.CyclicLR(optimizer, 1e-3, 0.04, step_size_up=150, cycle_momentum=False)
    for s in steps(model, train, optimizer, limit=1500, schedule=schedule, size=64):
        if s.index % 5 == 0:
            log(step=s.index, loss=s.loss, lr=s.lr)
        if s.index % 150 == 149:
            log(step=s.index, val_loss=score(model, val))


@run("events")
def regression_waves_restarts(log):
    """cosine with warm restarts: the loss jumps up a little at each"""
    train, val = waves()
    model = mlp(4, 64, 64, 1)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    schedule = schedules.CosineAnnealingWarmRestarts(optimizer, 100, T_mult=2)
    for s in steps(model, train, optimizer, regress, limit=700, schedule=schedule, size=128):
        if s.index % 3 == 0:
            log(s.index, {"train/mse": s.loss, "train/lr": s.lr})
        if s.index % 50 == 49:
            log(s.index, {"val/mse": score(model, val, regress)})


@run("text")
def cnn_shapes_reduce_on_plateau(log):
    """the rate is halved whenever the validation loss stalls"""
    train, val = (part[:2] for part in shapes(n=6000, noise=0.6))
    model = cnn(16, 3, width=4)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3, weight_decay=3e-3)
    schedule = schedules.ReduceLROnPlateau(optimizer, factor=0.3, patience=2)
    for s in epochs(model, train, optimizer, epochs=25):
        val_loss = score(model, val)
        log(
            f"[epoch {s.epoch:3d}] train loss {s.loss:.5f} | valid loss {val_loss:.5f} | "
            f"valid acc {100 * accuracy(model, val):.2f}% | lr {s.lr:.2e}"
        )
        schedule.step(val_loss)


@run("csv")
def regression_diabetes(log):
    """standardised targets: the mean squared error starts at 1 and ends where the noise leaves it, at one half"""
    train, val = diabetes()
    model = nn.Linear(10, 1)
    for s in epochs(model, train, torch.optim.SGD(model.parameters(), 0.01), regress, epochs=30, size=16):
        log(epoch=s.epoch, mse=s.loss, val_mse=score(model, val, regress))


@run("csv")
def mlp_digits_huge_batches(log):
    """gradient descent on the whole set: one smooth step an epoch"""
    train, val = digits()
    model = mlp(64, 64, 10)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.2), epochs=400, size=10_000):
        log({"step": s.index, "train_loss": s.loss, "val_loss": score(model, val)})


@run("jsonl")
def mlp_digits_tiny_batches(log):
    """batches of two with a small rate: very noisy, and falling"""
    train, val = digits()
    model = mlp(64, 64, 10)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 2e-3), epochs=4, size=2):
        if s.index % 3 == 0:
            log(iter=s.index, loss=s.loss)
        if s.ends:
            log(iter=s.index, val_loss=score(model, val))


@run("csv")
def mlp_spirals_converged(log):
    """two spirals, learnt in the first half; the loss stays flat and low for the rest"""
    train, val = spirals()
    model = mlp(2, 64, 64, 2)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    schedule = schedules.LambdaLR(optimizer, lambda i: max(0.01, 0.995**i))
    for s in steps(model, train, optimizer, limit=3000, schedule=schedule, size=256):
        if s.index % 10 == 0:
            log(step=s.index, loss=s.loss, lr=s.lr)
        if s.index % 100 == 0:
            log(step=s.index, val_loss=score(model, val), val_accuracy=accuracy(model, val))


@run("events")
def mlp_digits_layer_norms(log):
    """norms of the gradient and the weights of each layer are logged"""
    train, val = digits()
    model = mlp(64, 96, 96, 96, 10)
    for s in steps(model, train, torch.optim.Adam(model.parameters(), 1e-3), epochs=8):
        log(s.index, {"loss/train": s.loss})
        if s.index % 8 == 0:
            log(s.index, {**grad_norms(model), **weight_norms(model)})
        if s.ends:
            log(s.index, {"loss/val": score(model, val)})


@run("csv")
def mlp_digits_rprop(log):
    """resilient propagation on the whole set, stopped early; the loss falls in a smooth curve"""
    train, val = digits()
    model = mlp(64, 128, 10)
    optimizer = torch.optim.Rprop(model.parameters(), 1e-4, step_sizes=(1e-7, 1e-2))
    for s in steps(model, train, optimizer, epochs=70, size=10_000):
        log(step=s.index, loss=s.loss, val_loss=score(model, val), val_acc=accuracy(model, val))
