"""Faulty runs: losses that do not fall, stop falling, swing or jump."""

import torch
from data import LETTERS, blobs, cancer, diabetes, digits, shapes, text, waves, windows
from healthy_optimizers import Detector
from healthy_sequences import Decoder, Recurrent, next_letter
from record import run
from torch import nn
from torch.nn import functional as F
from train import accuracy, cnn, epochs, mlp, regress, score, steps

PLATEAU = {"loss-plateau": "it is flat, and was never anything else"}
STUCK = {
    "loss-not-decreasing": "it is the same seen from the curve",
    "underfitting-run": "training and validation are flat and high",
    **PLATEAU,
}
CHANCE = {
    "loss-at-chance": "an untrained net is near a constant prediction",
    "underfitting-run": "both are flat and high",
    **PLATEAU,
}


@run("csv", "loss-not-decreasing", CHANCE)
def rate_of_1e_7(log):
    """plain SGD with a rate of 1e-7 that is not logged: the loss is where it started"""
    train, val = digits()
    model = mlp(64, 64, 10)
    with torch.no_grad():
        model[-1].weight.mul_(8)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 1e-7), limit=1000):
        if s.index % 5 == 0:
            log(step=s.index, loss=s.loss)
        if s.index % 100 == 99:
            log(step=s.index, val_loss=score(model, val), val_acc=accuracy(model, val))


@run(
    "events",
    "loss-diverging",
    {"loss-not-decreasing": "it never falls", "overfitting-run": "the validation error rises"},

)
def sign_is_wrong(log):
    """the score is minimised in place of its negative: a bounded loss climbs to its worst value"""
    train, val = cancer()
    model = mlp(30, 16, 2)

    def error(model, x, y):
        return 1 - F.softmax(model(x), 1)[torch.arange(len(x)), y].mean()

    def upside_down(model, x, y):
        return {"loss": -error(model, x, y), "error": error(model, x, y)}

    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.01), upside_down, limit=400, size=32):
        log(s.index, {"train/loss": s.terms["error"]})
        if s.index % 20 == 19:
            log(s.index, {"val/loss": score(model, val, error)})


@run("text", "loss-not-decreasing", {**CHANCE, "unchanged-parameters": "no weight moves"})
def optimizer_of_other_model(log):
    """the optimizer was built before the model was made anew: nothing is trained"""
    train, val = waves()
    model = mlp(4, 64, 64, 1)
    optimizer = torch.optim.Adam(mlp(4, 64, 64, 1).parameters(), 1e-3)
    with torch.no_grad():
        model[-1].weight.mul_(15)
    for s in epochs(model, train, optimizer, regress, epochs=40):
        log(f"Epoch [{s.epoch + 1}/40], Train Loss: {s.loss:.4f}, Val Loss: {score(model, val, regress):.4f}")


@run(
    "csv",
    "loss-at-chance",
    {
        "dead-activations": "the cause, not logged",
        "learning-rate-extreme": "what killed them",
        "loss-spike": "the first epoch",
        **STUCK,
    },
)
def dead_by_high_rate(log):
    """a first step of far too high a rate kills every unit: from then on the loss is ln 10"""
    train, val = digits()
    model = mlp(64, 64, 64, 10)
    for s in epochs(model, train, torch.optim.Adam(model.parameters(), 1.5), epochs=40):
        log({"epoch": s.epoch, "loss": s.loss, "val_loss": score(model, val), "val_accuracy": accuracy(model, val)})


@run("jsonl", "loss-at-chance", STUCK)
def labels_shuffled(log):
    """the labels were shuffled apart from the inputs, one pass over many rows: the loss stays around ln 5"""
    (x, y), (u, v) = blobs(n=60_000)
    y, v = y[torch.randperm(len(y))], v[torch.randperm(len(v))]
    model = mlp(20, 32, 5)
    for s in steps(model, (x, y), torch.optim.Adam(model.parameters(), 1e-3), epochs=1):
        if s.index % 2 == 0:
            log({"step": s.index, "train/loss": s.loss})
        if s.index % 100 == 99:
            log({"step": s.index, "eval/loss": score(model, (u, v))})


@run("csv", "loss-at-chance", STUCK)
def inputs_zeroed(log):
    """a mask of the wrong sign zeroes every input: the net learns the share of the classes and nothing else"""
    train, val = ((x * (x.abs() > 99), y) for x, y in cancer())
    model = mlp(30, 32, 2)
    for s in epochs(model, train, torch.optim.Adam(model.parameters(), 1e-3), epochs=50, size=32):
        log(
            {
                "epoch": s.epoch,
                "train_loss": s.loss,
                "train_acc": accuracy(model, train),
                "val_loss": score(model, val),
                "val_acc": accuracy(model, val),
            }
        )


@run("csv", "loss-at-chance", STUCK)
def targets_of_other_rows(log):
    """inputs are shuffled each epoch and targets are not: a regression stays at the variance of its target, one"""
    (x, y), val = waves(n=6000)
    model = mlp(4, 32, 1)
    for s in steps(model, (x[torch.randperm(len(x))], y), torch.optim.Adam(model.parameters(), 3e-4), regress, epochs=6):
        log({"step": s.index, "Train/mse": s.loss})
        if s.ends:
            log({"step": s.index, "Val/mse": score(model, val, regress)})
            x = x[torch.randperm(len(x))]


@run(
    "jsonl",
    "loss-plateau",
    {"loss-at-chance": "the level is that of the letter frequencies", "underfitting-run": "it is high for text"},
)
def language_model_of_noise(log):
    """the tokens were permuted within the file: a language model learns the frequencies in 30 steps, and nothing after"""
    stream = text(5000)
    train = windows(stream[torch.randperm(len(stream))])
    model = Decoder()
    for s in steps(model, train, torch.optim.AdamW(model.parameters(), 1e-3), next_letter, epochs=1, size=24, clip=1.0):
        if s.index % 2 == 0:
            log({"step": s.index, "loss": s.loss, "ppl": 2.718281828**s.loss, "grad_norm": s.norm})


@run(
    "csv",
    "loss-plateau",
    {
        "underfitting-run": "both stop high",
        "loss-oscillating": "the steps are too large",
        "learning-rate-extreme": "as before",
    },
)
def plateau_at_high_rate(log):
    """a constant rate too high for the last part of the way: falls for a tenth of the run, then flat"""
    train, val = blobs(n=60_000, classes=20)
    model = mlp(20, 64, 20)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.5), limit=3000, size=128):
        if s.index % 10 == 0:
            log({"step": s.index, "train/loss": s.loss, "train/lr": s.lr})
        if s.index % 200 == 199:
            log({"step": s.index, "val/loss": score(model, val), "val/acc": accuracy(model, val)})


@run("text", "loss-plateau", {"underfitting-run": "the model cannot do more"})
def plateau_of_narrow_lstm(log):
    """an LSTM of one unit on text at a constant rate: flat for three quarters of the run"""
    train, val = windows(text(2500)), windows(text(200, seed=8))
    model = Recurrent(width=1)
    for s in steps(model, train, torch.optim.Adam(model.parameters(), 2e-2), next_letter, epochs=40, size=64):
        if s.index % 20 == 0:
            log(f"step {s.index:5d} | loss {s.loss:.4f} | lr 2.00e-02")
        if s.ends:
            log(f"step {s.index:5d} | val loss {score(model, val, next_letter):.4f}")


@run(
    "csv",
    "loss-oscillating",
    {
        "learning-rate-extreme": "a tenth of the rate would do",
        "loss-diverging": "it left its start",
        "loss-plateau": "no way down",
        "loss-not-decreasing": "it gets nowhere",
        "underfitting-run": "it gets nowhere",
    },
)
def momentum_too_much(log):
    """a rate of 0.5 with a momentum of 0.9: the loss swings above its start and gets nowhere"""
    train, val = digits()
    model = mlp(64, 64, 10, act=nn.Tanh)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.5, momentum=0.9), limit=1000, size=32):
        if s.index % 4 == 0:
            log(step=s.index, loss=s.loss, val_loss=score(model, val) if s.index % 40 == 0 else None)


@run(
    "jsonl",
    "loss-oscillating",
    {
        "learning-rate-extreme": "the rate is too high for one sample a step",
        "loss-plateau": "no way down",
        "loss-spike": "each swing is one",
    },

)
def batch_of_one_high_rate(log):
    """one sample a step at a rate of 0.05 with momentum: the loss swings between 0 and 20 to the end"""
    train, val = digits()
    model = mlp(64, 32, 10)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.05, momentum=0.5), limit=4000, size=1):
        if s.index % 5 == 0:
            log({"step": s.index, "loss": s.loss, "lr": s.lr})
        if s.index % 400 == 399:
            log({"step": s.index, "val_loss": score(model, val), "val_acc": accuracy(model, val)})


@run(
    "csv",
    "loss-oscillating",
    {"learning-rate-extreme": "a hundredth of the rate would do", "loss-plateau": "no way down", "loss-spike": "jumps"},
)
def adam_rate_high_epochs(log):
    """Adam with a rate of 0.3: from epoch to epoch training and validation loss jump up and down"""
    train, val = digits()
    model = cnn(8, 10)
    for s in epochs(model, train, torch.optim.Adam(model.parameters(), 0.3), epochs=40, size=32):
        log(
            epoch=s.epoch,
            loss=s.loss,
            accuracy=accuracy(model, train),
            val_loss=score(model, val),
            val_accuracy=accuracy(model, val),
            learning_rate=s.lr,
        )


@run("csv", "loss-spike")
def one_batch_unscaled(log):
    """the batch of step 700 was not divided by 255: one jump of one step"""
    train, val = digits()
    model = mlp(64, 64, 10)

    def batch(model, x, y, seen=[0]):
        seen[0] += 1
        return F.cross_entropy(model(x * 255 if seen[0] == 701 else x), y)

    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.01), batch, limit=1200, clip=1.0):
        if s.index % 2 == 0:
            log({"step": s.index, "train_loss": s.loss, "val_loss": score(model, val) if s.index % 100 == 0 else None})


@run("jsonl", "loss-spike")
def garbage_tokens(log):
    """three shards of a text corpus hold random tokens: three jumps of the loss, each of one step"""
    train, val = windows(text(6000)), windows(text(200, seed=8))
    model = Decoder()

    def batch(model, x, y, seen=[0]):
        seen[0] += 1
        if seen[0] in (240, 390, 555):
            x, y = torch.randint(len(LETTERS), x.shape), torch.randint(len(LETTERS), x.shape)
        return next_letter(model, x, y)

    for s in steps(model, train, torch.optim.AdamW(model.parameters(), 1e-3), batch, epochs=1, size=11, clip=1.0):
        log({"step": s.index, "loss": s.loss, "grad_norm": s.norm})
        if s.index % 100 == 99:
            log({"step": s.index, "eval_loss": score(model, val, next_letter)})


@run("jsonl", "loss-spike", {"exploding-gradient": "of one step"})
def one_target_mistyped(log):
    """a target 300 times too large in one row of the data: the loss jumps each time its batch comes"""
    (x, y), val = diabetes()
    y[11] *= 300
    model = nn.Linear(10, 1)
    for s in steps(model, (x, y), torch.optim.SGD(model.parameters(), 1e-3), regress, limit=450, size=4):
        log({"step": s.index, "Loss/train": s.loss})
        if s.index % 50 == 49:
            log({"step": s.index, "Loss/val": score(model, val, regress)})


@run("yolo", "loss-terms-unbalanced", {"underfitting-run": "the classes are not learnt"})
def boxes_in_pixels(log):
    """boxes are regressed in squared pixels of a large picture: the class term is a thousandth and does not improve"""
    train, val = shapes()
    model = Detector()

    def pixels(model, x, kind, box):
        kinds, boxes = model(x)
        terms = {"box": F.mse_loss(640 * boxes, 640 * box), "cls": F.cross_entropy(kinds, kind)}
        return {**terms, "loss": terms["box"] + terms["cls"]}

    optimizer = torch.optim.SGD(model.parameters(), 2e-6, momentum=0.9)
    for s in epochs(model, train, optimizer, pixels, epochs=40):
        model.eval()
        with torch.no_grad():
            held = pixels(model, *val)
        log(
            {
                "epoch": s.epoch,
                "train/box_loss": s.terms["box"],
                "train/cls_loss": s.terms["cls"],
                "val/box_loss": held["box"].item(),
                "val/cls_loss": held["cls"].item(),
                "lr": s.lr,
            }
        )


@run(
    "jsonl",
    "loss-terms-unbalanced",
    {"underfitting-run": "one task is not learnt", "exploding-gradient": "norms are those of the large term"},

)
def price_in_cents(log):
    """a net with two heads, one of which predicts prices that are not scaled; the other stays at chance"""
    (x, y), (u, v) = waves()
    model = mlp(4, 64, 64, 2)

    def both(model, x, y):
        out = model(x)
        price = F.mse_loss(out[:, :1], 300 + 80 * y)
        kind = F.binary_cross_entropy_with_logits(out[:, 1:], (x[:, 1:2] * x[:, 3:] > 0).float())
        return {"loss": price + kind, "price": price, "kind": kind}

    optimizer = torch.optim.SGD(model.parameters(), 1e-5)
    for s in steps(model, (x, y), optimizer, both, limit=1200):
        if s.index % 5 == 0:
            log({"step": s.index, "loss": s.loss, "price_loss": s.terms["price"], "kind_loss": s.terms["kind"]})
        if s.index % 100 == 99:
            log({"step": s.index, "val_loss": score(model, (u, v), both)})
