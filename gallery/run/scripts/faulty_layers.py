"""Faulty runs that per-layer logs show: gradients, activations, updates, weights."""

import torch
from data import adding_problem, cancer, digits, shapes, waves
from record import run
from torch import nn
from train import Shares, Updates, accuracy, epochs, grad_norms, mlp, regress, score, steps, weight_norms

NOTHING_LEARNT = {
    "loss-at-chance": "nothing is learnt", "loss-not-decreasing": "nothing is learnt", "underfitting-run": "nothing is learnt",
    "loss-plateau": "the curve is flat",
}  # fmt: skip
SLOW = {"loss-plateau": "the curve is flat", "underfitting-run": "both are high"}


def deep(depth, width, act, gain=1.0, inputs=64, outputs=10):
    """A deep net whose weights have `gain` times the deviation that keeps the scale of a linear net."""
    model = mlp(inputs, *[width] * depth, outputs, act=act)
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=gain / layer.in_features**0.5)
            nn.init.zeros_(layer.bias)
    return model


def matrices(norms):
    """Only those of weight matrices."""
    return {name: value for name, value in norms.items() if "bias" not in name}


@run("events", "vanishing-gradient", {"update-ratio": "first layers do not move", **NOTHING_LEARNT})
def twenty_sigmoid_layers(log):
    """twenty sigmoid layers: the gradient of the first is a billionth of that of the last, the loss stays at ln 10"""
    train, val = digits()
    model = deep(20, 32, nn.Sigmoid, gain=1.5)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.05, momentum=0.9), epochs=10):
        log(s.index, {"loss/train": s.loss})
        if s.index % 10 == 0:
            log(s.index, matrices(grad_norms(model)))
        if s.ends:
            log(s.index, {"loss/val": score(model, val)})


@run("jsonl", "vanishing-gradient", {"update-ratio": "first layers do not move", **NOTHING_LEARNT})
def deep_default_initialisation(log):
    """sixteen layers as they are initialised by default, no normalisation: gradients die on the way down"""
    train, val = cancer()
    model = mlp(30, *[24] * 15, 2)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.02), limit=400, size=32):
        if s.index % 8 == 0:
            log({"step": s.index, "train_loss": s.loss, **matrices(grad_norms(model, "grad_norm/layers.{}"))})
        if s.index % 40 == 39:
            log({"step": s.index, "val_loss": score(model, val), "val_acc": accuracy(model, val)})


@run(
    "csv",
    "exploding-gradient",
    {
        "loss-diverging": "the loss follows",
        "loss-spike": "single steps leap",
        "loss-not-decreasing": "the rate had to be tiny",
        "loss-plateau": "no way down",
        "underfitting-run": "both are high",
    },
)
def deep_net_of_large_gain(log):
    """twenty tanh layers with four times the proper gain: norms grow by half from layer to layer towards the input"""
    train, val = digits()
    model = deep(20, 48, nn.Tanh, gain=4.0)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 1e-6), limit=400):
        if s.index % 8 == 0:
            log({"step": s.index, "loss": s.loss, "total_norm": s.norm, **matrices(grad_norms(model))})
        if s.index % 80 == 79:
            log({"step": s.index, "val_loss": score(model, val)})


@run(
    "jsonl",
    "exploding-gradient",
    {
        "loss-spike": "the loss leaps with the norm",
        "loss-diverging": "it leaps above its start",
        "loss-plateau": "between leaps",
        "loss-oscillating": "leaps",
        "loss-at-chance": "at the variance of the target",
    },

)
def recurrent_net_without_clip(log):
    """a plain recurrent net of rectified units over 60 steps, no clip: norms of about 20 leap to millions now and then"""
    torch.manual_seed(3)  # other draws leap later
    train = adding_problem(4000, 60)
    model = nn.ModuleList([nn.RNN(2, 32, nonlinearity="relu", batch_first=True), nn.Linear(32, 1)])
    with torch.no_grad():
        model[0].weight_hh_l0.copy_(torch.eye(32))

    def last(model, x, y):
        return regress(lambda x: model[1](model[0](x)[0][:, -1]), x, y)

    for s in steps(model, train, torch.optim.Adam(model.parameters(), 1e-3), last, limit=620, size=50):
        log({"step": s.index, "train/loss": s.loss, "train/grad_norm": s.norm})
    log({"step": s.index, "val/loss": score(model, adding_problem(500, 60), last)})


@run(
    "csv",
    "clipping-always",
    {
        "loss-not-decreasing": "too slow to see",
        "underfitting-run": "both are high",
        "update-ratio": "too small",
        "loss-plateau": "slow",
    },
)
def clip_of_a_hundredth(log):
    """gradients are clipped to 0.01 and are around one: the clip binds at every step, the loss hardly falls"""
    train, val = digits()
    model = mlp(64, 64, 10)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.05), limit=1000, clip=0.01):
        if s.index % 5 == 0:
            log(step=s.index, loss=s.loss, grad_norm=s.norm, clip_value=0.01)
        if s.index % 100 == 99:
            log(step=s.index, val_loss=score(model, val))


@run("jsonl", "clipping-always", {"exploding-gradient": "norms before the clip are in the hundreds"})
def clip_below_every_norm(log):
    """a regression of large targets clipped to norm one: the norm after clipping is one at every step"""
    train, val = ((x, 50 * y) for x, y in waves())
    model = mlp(4, 64, 1)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.02), regress, limit=1500, clip=1.0):
        if s.index % 5 == 0:
            after = nn.utils.get_total_norm([p.grad for p in model.parameters()]).item()
            log({"step": s.index, "loss": s.loss, "grad_norm_before_clip": s.norm, "grad_norm_after_clip": after})
        if s.index % 100 == 99:
            log({"step": s.index, "val_loss": score(model, val, regress)})


@run("events", "dead-activations", SLOW | {"loss-at-chance": "in part of the run"})
def biases_far_below_zero(log):
    """biases initialised far below zero: nearly every unit of the second layer is zero for all rows"""
    train, val = digits()
    model = mlp(64, 96, 96, 10)
    shares = Shares(model, nn.ReLU, lambda out: (out == 0).all(0), "dead/relu{}")
    with torch.no_grad():
        model[2].bias.sub_(0.6)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.02), epochs=18):
        if s.index % 2 == 0:
            log(s.index, {"train/loss": s.loss, **shares.last})
        if s.ends:
            log(s.index, {"val/loss": score(model, val)})


@run(
    "csv",
    "dead-activations",
    SLOW | {"loss-at-chance": "few units are left", "loss-oscillating": "the rate that killed them"},

)
def units_killed_by_rate(log):
    """Adam with a rate of 0.1: nine of ten channels of the second convolution die in the first epoch"""
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
    shares = Shares(model, nn.ReLU, lambda out: (out == 0).transpose(0, 1).flatten(1).all(1), "dead_frac/conv{}")
    for s in epochs(model, train, torch.optim.Adam(model.parameters(), 0.1), epochs=20):
        log(
            {
                "epoch": s.epoch,
                "loss": s.loss,
                "val_loss": score(model, val),
                "val_acc": accuracy(model, val),
                **shares.last,
            }
        )


@run(
    "csv",
    "saturated-activations",
    SLOW | {"vanishing-gradient": "flat units pass nothing", "update-ratio": "weights do not move"},
)
def tanh_of_huge_weights(log):
    """weights drawn with deviation 2: nearly every tanh unit is in its flat part"""
    train, val = digits()
    model = deep(3, 64, nn.Tanh, gain=20.0)
    with torch.no_grad():
        model[-1].weight.mul_(0.02)
    shares = Shares(model, nn.Tanh, lambda out: out.abs() > 0.97, "saturation/tanh{}")
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.01), limit=600):
        if s.index % 5 == 0:
            log({"step": s.index, "loss": s.loss, **shares.last})
        if s.index % 60 == 59:
            log({"step": s.index, "val_loss": score(model, val), "val_acc": accuracy(model, val)})


@run(
    "jsonl",
    "saturated-activations",
    SLOW | {"loss-at-chance": "few units still tell rows apart", "vanishing-gradient": "flat units pass nothing"},

)
def sigmoid_of_raw_inputs(log):
    """inputs of up to thousands are fed to sigmoid units as they are: all units are at zero or one"""
    train, val = ((x * 800 + 500, y) for x, y in cancer())
    model = mlp(30, 32, 16, 2, act=nn.Sigmoid)
    shares = Shares(model, nn.Sigmoid, lambda out: (out < 0.02) | (out > 0.98), "sat_frac/layer{}")
    for s in epochs(model, train, torch.optim.SGD(model.parameters(), 0.05), epochs=60, size=32):
        log(
            {
                "epoch": s.epoch,
                "train_loss": s.loss,
                "val_loss": score(model, val),
                "val_acc": accuracy(model, val),
                **shares.last,
            }
        )


@run(
    "jsonl",
    "update-ratio",
    {"loss-not-decreasing": "too slow to see", "learning-rate-extreme": "the cause", **NOTHING_LEARNT},
)
def updates_of_a_millionth(log):
    """SGD with a rate of 1e-5: each update is a ten-millionth of its weights"""
    train, val = digits()
    model = mlp(64, 64, 64, 10)
    updates = Updates(model)
    for s in steps(model, train, torch.optim.SGD(model.parameters(), 1e-5), limit=600):
        ratios = updates.ratios("update_ratio/{}")
        if s.index % 5 == 0:
            log({"step": s.index, "loss": s.loss, **ratios})
        if s.index % 60 == 59:
            log({"step": s.index, "val_loss": score(model, val)})


@run(
    "events",
    "update-ratio",
    {
        "loss-oscillating": "steps are too large",
        "learning-rate-extreme": "the cause",
        "loss-plateau": "no way down",
        "loss-diverging": "it left its start",
        "loss-spike": "swings",
    },

)
def updates_of_the_size_of_weights(log):
    """Adam with a rate of 0.3: each step moves the weights by a third of their size"""
    train, val = digits()
    model = mlp(64, 64, 10, act=nn.Tanh)
    updates = Updates(model)
    optimizer = torch.optim.RMSprop(model.parameters(), 0.3, alpha=0.5, weight_decay=0.05)
    for s in steps(model, train, optimizer, limit=400):
        ratios = updates.ratios("update_to_weight/{}")
        log(s.index, {"loss/train": s.loss, **(ratios if s.index % 4 == 0 else {})})
        if s.index % 50 == 49:
            log(s.index, {"loss/val": score(model, val)})


@run(
    "csv",
    "unchanged-parameters",
    {
        "underfitting-run": "the body is not trained",
        "loss-plateau": "only the head learns",
        "loss-at-chance": "little more than that is learnt",
    },
)
def frozen_by_mistake(log):
    """the body was left frozen after a warm-up of the head: its weight norms are the same to the last digit"""
    train, val = digits()
    model = nn.ModuleDict({"body": mlp(64, 32, 32, 16), "head": nn.Linear(16, 10)})
    chain = nn.Sequential(model["body"], nn.ReLU(), model["head"])
    for parameter in model["body"].parameters():
        parameter.requires_grad = False
    for s in epochs(chain, train, torch.optim.Adam(model["head"].parameters(), 2e-3), epochs=30):
        norms = {name: value for name, value in weight_norms(model, "weight_norm/{}").items() if "bias" not in name}
        log(
            {
                "epoch": s.epoch,
                "train_loss": s.loss,
                "val_loss": score(chain, val),
                "val_acc": accuracy(chain, val),
                **norms,
            }
        )


@run(
    "events",
    "unchanged-parameters",
    {
        "update-ratio": "a ratio of zero",
        "underfitting-run": "the encoder is not trained",
        "loss-plateau": "only the head learns",
        "loss-at-chance": "little more than that is learnt",
    },

)
def encoder_not_in_optimizer(log):
    """the encoder gets gradients and is in no optimizer: its updates are zero at every step"""
    train, val = digits()
    encoder, decoder = mlp(64, 48, 12), nn.Linear(12, 10)
    chain = nn.Sequential(encoder, nn.ReLU(), decoder)
    names = {"encoder.0": encoder[0].weight, "encoder.2": encoder[2].weight, "decoder": decoder.weight}
    before = {name: p.detach().clone() for name, p in names.items()}
    for s in steps(chain, train, torch.optim.Adam(decoder.parameters(), 1e-3), limit=400):
        if s.index % 2 == 0:
            log(
                s.index,
                {
                    "loss": s.loss,
                    **{f"update_norm/{name}": (p - before[name]).norm().item() for name, p in names.items()},
                },
            )
        before = {name: p.detach().clone() for name, p in names.items()}
        if s.index % 40 == 39:
            log(s.index, {"val_loss": score(chain, val)})
