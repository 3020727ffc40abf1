"""Faulty runs: too much or too little fitted, nothing held out, one class predicted, rates that end or go wrong."""

import torch
from data import blobs, diabetes, digits, noisy_labels, rare_class, shapes, spirals, text, windows
from healthy_sequences import Decoder, next_letter
from record import run
from sklearn.metrics import balanced_accuracy_score
from torch import nn
from torch.nn import functional as F
from torch.optim import lr_scheduler as schedules
from train import accuracy, cnn, epochs, mlp, regress, score, steps

FLAT = {"loss-plateau": "both curves stop early and high"}
CHANCE = {"loss-at-chance": "it is near the value of a constant"}


def few(data, n):
    return tuple(part[:n] for part in data)


@run("csv", "overfitting-run")
def small_data_large_net(log):
    """60 rows, half a million weights: the validation loss turns at epoch 5 and rises by half, the accuracy hardly changes"""
    train, val = blobs(spread=4.0)
    model = mlp(20, 512, 512, 5)
    for s in epochs(model, few(train, 60), torch.optim.Adam(model.parameters(), 3e-4), epochs=80, size=16):
        log(
            epoch=s.epoch,
            loss=s.loss,
            accuracy=accuracy(model, few(train, 60)),
            val_loss=score(model, val),
            val_accuracy=accuracy(model, val),
        )


@run("trainer", "overfitting-run")
def language_model_many_epochs(log):
    """sixty epochs over a page of text: the evaluation loss turns before the middle of the run"""
    train, val = windows(text(60)), windows(text(200, seed=8))
    model = Decoder(width=64, depth=2)
    total = -(-len(train[0]) // 16)
    for s in steps(model, train, torch.optim.AdamW(model.parameters(), 2e-3), next_letter, epochs=60, size=16, clip=1.0):
        done = {"epoch": round((s.index + 1) / total, 3)}
        if s.index % 5 == 4:
            log({**done, "grad_norm": s.norm, "learning_rate": s.lr, "loss": s.loss, "step": s.index + 1})
        if s.ends:
            log({**done, "eval_loss": score(model, val, next_letter), "step": s.index + 1})


@run("csv", "overfitting-run")
def noisy_labels_learnt_by_heart(log):
    """a wide net on labels that are mostly chance, in the manner of Lightning"""
    train, val = noisy_labels(n=1200, strength=2.0)
    model = mlp(10, 256, 256, 2)
    for s in steps(model, train, torch.optim.Adam(model.parameters(), 1e-3), epochs=60):
        if s.index % 10 == 9:
            log(
                {
                    "epoch": s.epoch,
                    "lr-Adam": s.lr,
                    "step": s.index,
                    "train_loss_step": s.loss,
                    "val_acc": None,
                    "val_loss": None,
                }
            )
        if s.ends:
            log({"epoch": s.epoch, "step": s.index, "val_acc": accuracy(model, val), "val_loss": score(model, val)})


@run("csv", "overfitting-run")
def regression_few_rows(log):
    """80 rows and a wide net: the validation error doubles while the training error goes to zero"""
    train, val = diabetes()
    model = mlp(10, 256, 256, 1)
    for s in epochs(model, few(train, 80), torch.optim.Adam(model.parameters(), 5e-4), regress, epochs=150, size=16):
        log({"epoch": s.epoch, "train/mse": s.loss, "test/mse": score(model, val, regress)})


@run("text", "overfitting-run")
def pictures_without_augmentation(log):
    """a convolutional net on 90 noisy pictures, printed"""
    train, val = (part[:2] for part in shapes(noise=0.8))
    model = cnn(16, 3)
    for s in epochs(model, few(train, 90), torch.optim.Adam(model.parameters(), 1e-3), epochs=60, size=16):
        log(f"Epoch {s.epoch:2d}: train_loss={s.loss:.4f} val_loss={score(model, val):.4f} val_acc={accuracy(model, val):.4f}")


@run("csv", "underfitting-run", FLAT | CHANCE)
def line_between_spirals(log):
    """a linear model on two spirals: training and validation stay just below chance"""
    train, val = spirals()
    model = nn.Linear(2, 2)
    for s in epochs(model, train, torch.optim.SGD(model.parameters(), 0.1), epochs=50):
        log(
            {
                "epoch": s.epoch,
                "train_loss": s.loss,
                "val_loss": score(model, val),
                "train_acc": accuracy(model, train),
                "val_acc": accuracy(model, val),
            }
        )


@run(
    "jsonl",
    "loss-at-chance",
    FLAT | {"underfitting-run": "it can express nothing", "loss-not-decreasing": "it ends where it began"},
)
def decay_too_strong(log):
    """a weight decay of 0.2 in the loss: training and validation stop close to the value of guessing"""
    train, val = digits()
    model = mlp(64, 128, 128, 10)
    optimizer = torch.optim.SGD(model.parameters(), 0.05, weight_decay=0.2)
    for s in epochs(model, train, optimizer, epochs=40):
        log(
            {
                "epoch": s.epoch,
                "train/loss": s.loss,
                "val/loss": score(model, val),
                "train/acc": accuracy(model, train),
                "val/acc": accuracy(model, val),
            }
        )


@run("csv", "underfitting-run", FLAT)
def decayed_to_nothing(log):
    """a decay of 20 in AdamW keeps the weights at zero: the logged error of a linear baseline is never reached"""
    train, val = diabetes()
    baseline = torch.linalg.lstsq(train[0], train[1]).solution
    level = F.mse_loss(val[0] @ baseline, val[1])
    model = mlp(10, 16, 1)
    for s in epochs(model, train, torch.optim.AdamW(model.parameters(), 1e-2, weight_decay=20.0), regress, epochs=60, size=32):
        log(epoch=s.epoch, train_mse=s.loss, val_mse=score(model, val, regress), baseline_val_mse=level)


@run("csv", "underfitting-run", FLAT)
def one_hidden_unit(log):
    """a net of one hidden unit for ten classes: both curves flat and high"""
    train, val = digits()
    model = mlp(64, 1, 10, act=nn.Tanh)
    for s in epochs(model, train, torch.optim.Adam(model.parameters(), 2e-2), epochs=60):
        log(
            {
                "epoch": s.epoch,
                "Loss/train": s.loss,
                "Loss/valid": score(model, val),
                "Acc/train": accuracy(model, train),
                "Acc/valid": accuracy(model, val),
            }
        )


@run("csv", "no-validation")
def classifier_without_validation(log):
    """forty epochs over 1,300 digits with nothing held out"""
    train, _ = digits()
    model = mlp(64, 128, 10)
    for s in epochs(model, train, torch.optim.Adam(model.parameters(), 1e-3), epochs=40):
        log(epoch=s.epoch, loss=s.loss, accuracy=accuracy(model, train))


@run("events", "no-validation", {"loss-plateau": "it has come to the noise"})
def regression_without_validation(log):
    """sixty epochs of a regression, the training loss of each step and the rate"""
    train, _ = diabetes()
    model = mlp(10, 16, 1)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.05)
    for s in steps(model, train, optimizer, regress, epochs=60, size=32):
        log(s.index, {"train/loss": s.loss, "train/lr": s.lr})


@run(
    "csv",
    "class-collapse",
    {
        "underfitting-run": "nothing but the majority is learnt",
        "loss-at-chance": "the loss is that of the class shares",
        **FLAT,
    },
)
def majority_only(log):
    """8 % positives, strong decay: every row is predicted negative; the share of predictions is logged"""
    train, val = rare_class(share=0.08)
    model = mlp(12, 16, 2)
    for s in epochs(model, train, torch.optim.SGD(model.parameters(), 0.01, weight_decay=0.1), epochs=30):
        predicted = model(val[0]).argmax(1)
        log({
            "epoch": s.epoch, "train_loss": s.loss, "val_loss": score(model, val), "val_acc": accuracy(model, val),
            "val_balanced_acc": balanced_accuracy_score(val[1], predicted), "pred_share/0": (predicted == 0).float().mean(),
            "pred_share/1": (predicted == 1).float().mean(),
        })  # fmt: skip


@run(
    "jsonl",
    "class-collapse",
    {
        "loss-at-chance": "ten classes, one prediction",
        "loss-plateau": "nothing moves",
        "underfitting-run": "as before",
        "loss-diverging": "it leaves its best and stays away",
        "loss-spike": "the ninth epoch",
    },

)
def collapse_by_high_rate(log):
    """the rate is 60 times too high in the ninth epoch and kills the units: from ten predicted classes to one"""
    train, val = digits()
    model = mlp(64, 64, 64, 10)
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    schedule = schedules.LambdaLR(optimizer, lambda i: 60 if 22 * 8 <= i < 22 * 9 else 1)
    for s in epochs(model, train, optimizer, epochs=50, schedule=schedule):
        predicted = model(val[0]).argmax(1)
        shares = {f"val/pred_frac_class_{k}": (predicted == k).float().mean().item() for k in range(10)}
        log(
            {
                "epoch": s.epoch,
                "train/loss": s.loss,
                "val/loss": score(model, val),
                "val/acc": accuracy(model, val),
                **shares,
            }
        )


EARLY = {
    "loss-plateau": "it is flat because the rate is gone",
    "underfitting-run": "both stop high",
    "learning-rate-extreme": "the rate is zero in effect",
}


@run("csv", "learning-rate-collapsed", EARLY)
def decay_every_batch(log):
    """a decay of 0.9 meant for each epoch is applied at each batch: the rate is gone before the second epoch"""
    train, val = digits()
    model = mlp(64, 64, 64, 10)
    optimizer = torch.optim.SGD(model.parameters(), 0.4)
    schedule = schedules.ExponentialLR(optimizer, 0.9)
    for s in steps(model, train, optimizer, limit=900, schedule=schedule):
        if s.index % 5 == 0:
            log(step=s.index, loss=s.loss, lr=s.lr)
        if s.index % 90 == 89:
            log(step=s.index, val_loss=score(model, val), val_acc=accuracy(model, val))


@run("trainer", "learning-rate-collapsed", EARLY)
def total_steps_mistaken(log):
    """a linear decay over a tenth of the steps: the rate is zero for the rest of the run"""
    train, val = windows(text(6000)), windows(text(200, seed=8))
    model = Decoder()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    schedule = schedules.LambdaLR(optimizer, lambda i: max(0.0, 1 - i / 60))
    total = -(-len(train[0]) // 24)
    for s in steps(model, train, optimizer, next_letter, epochs=1, size=24, schedule=schedule, clip=1.0):
        done = {"epoch": round((s.index + 1) / total, 4)}
        if s.index % 5 == 4:
            log({**done, "grad_norm": s.norm, "learning_rate": s.lr, "loss": s.loss, "step": s.index + 1})
        if s.index % 100 == 99:
            log({**done, "eval_loss": score(model, val, next_letter), "step": s.index + 1})


@run("text", "learning-rate-collapsed", EARLY)
def plateau_schedule_too_eager(log):
    """the rate is divided by ten whenever one validation is not the best so far: after a few epochs there is none"""
    train, val = (part[:2] for part in shapes(noise=0.5))
    model = cnn(16, 3, width=8)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    schedule = schedules.ReduceLROnPlateau(optimizer, factor=0.1, patience=0, threshold=0.08)
    for s in epochs(model, train, optimizer, epochs=40):
        loss = score(model, val)
        log(f"epoch {s.epoch:3d} | train_loss {s.loss:.5f} | val_loss {loss:.5f} | lr {s.lr:.3e}")
        schedule.step(loss)


@run(
    "csv",
    "learning-rate-extreme",
    {
        "loss-not-decreasing": "the curve shows it",
        "update-ratio": "the same",
        "underfitting-run": "both are flat",
        **CHANCE,
        "loss-plateau": "flat",
    },
)
def rate_of_1e_9(log):
    """Adam with a rate of 1e-9, logged: the loss is where it started"""
    train, val = digits()
    model = mlp(64, 128, 128, 10)
    for s in epochs(model, train, torch.optim.Adam(model.parameters(), 1e-9), epochs=30):
        log(epoch=s.epoch, train_loss=s.loss, val_loss=score(model, val), val_acc=accuracy(model, val), lr=s.lr)


@run(
    "jsonl",
    "learning-rate-extreme",
    {
        "loss-at-chance": "no unit is alive",
        "loss-oscillating": "the first swings",
        "loss-diverging": "it left its start",
        "loss-spike": "swings",
        "exploding-gradient": "as the weights",
        "loss-plateau": "no way down",
        "update-ratio": "the same",
    },

)
def adam_rate_of_3(log):
    """Adam with a rate of 3, logged: the first steps multiply the loss by thousands, then no unit is alive"""
    train, val = digits()
    model = mlp(64, 128, 10)
    for s in steps(model, train, torch.optim.Adam(model.parameters(), 3.0), limit=800):
        if s.index % 2 == 0:
            log({"step": s.index, "train/loss": s.loss, "optim/lr": s.lr})
        if s.index % 100 == 99:
            log({"step": s.index, "val/loss": score(model, val)})
