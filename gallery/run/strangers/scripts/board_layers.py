"""People who draw a curve for each layer in TensorBoard: gradients, weights, updates, activations."""

import torch
from torch import nn

from board import supervised
from kit import cancer, classes, digits, mlp, run


def weights(net):
    return [(n.removesuffix(".weight"), p) for n, p in net.named_parameters() if n.endswith("weight") and p.dim() > 1]


def gradients(net, tag="gradients/{}"):
    def each(out, step):
        for name, p in weights(net):
            out.add_scalar(tag.format(name), p.grad.norm().item() if p.grad is not None else 0.0, step)

    return each


def activations(net, kind, measure, tag):
    """Measures the output of each activation of one kind in the last forward pass."""
    seen = {}
    for i, layer in enumerate(m for m in net.modules() if isinstance(m, kind)):
        layer.register_forward_hook(lambda m, _, h, i=i: seen.__setitem__(i, h.detach()))

    def each(out, step):
        for i, h in seen.items():
            out.add_scalar(tag.format(i + 1), measure(h), step)

    return each


def changes(net, tag, ratio=True):
    """The size of the last logged stretch of updates against the weights, per layer; or the norm of the weights alone."""
    before = {}

    def each(out, step):
        for name, p in weights(net):
            now = p.detach().clone()
            if ratio and name in before:
                out.add_scalar(tag.format(name), ((now - before[name]).norm() / before[name].norm()).item(), step)
            if not ratio:
                out.add_scalar(tag.format(name), now.norm().item(), step)
            before[name] = now

    return each


def both(*many):
    return lambda out, step: [one(out, step) for one in many]


def sgd(net, lr, **options):
    return torch.optim.SGD(net.parameters(), lr=lr, **options)


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm, self.inner = nn.LayerNorm(width), nn.Linear(width, width)

    def forward(self, x):
        return x + torch.relu(self.inner(self.norm(x)))


@run("", "ten residual blocks, gradients of each drawn")
def layers_residual(path):
    net = nn.Sequential(nn.Linear(64, 32), *[Residual(32) for _ in range(10)], nn.Linear(32, 10))
    supervised(path, net, digits(), 8, torch.optim.AdamW(net.parameters(), lr=1e-3), each=gradients(net))


@run("", "tanh layers with a few units in their flat parts, share drawn")
def layers_tanh(path):
    net = mlp(30, 32, 32, 2, act=nn.Tanh)
    flat = activations(net, nn.Tanh, lambda h: (h.abs() > 0.97).float().mean().item(), "saturation/tanh{}")
    supervised(path, net, cancer(), 25, sgd(net, 0.05), each=both(flat, gradients(net)))


@run("", "ReLU layers with about half of the outputs zero, as is usual")
def layers_sparse(path):
    net = mlp(64, 64, 64, 10)
    zero = activations(net, nn.ReLU, lambda h: (h == 0).float().mean().item(), "activations/zero_fraction/relu{}")
    supervised(path, net, digits(), 10, torch.optim.Adam(net.parameters(), lr=1e-3), each=zero)


@run("", "updates of a thousandth of the weights a step, drawn per layer")
def layers_updates(path):
    net = mlp(64, 64, 64, 10)
    supervised(path, net, digits(), 10, torch.optim.Adam(net.parameters(), lr=5e-4), each=changes(net, "update_ratio/{}"), every=1)


@run("", "the body of a net is kept as it is on purpose and its weight norms are drawn too: only the head learns",
     may="unchanged-parameters")
def layers_frozen_body(path):
    net = mlp(64, 256, 10)
    net[0].requires_grad_(False)
    supervised(path, net, digits(), 12, torch.optim.Adam(net[2].parameters(), lr=3e-3), each=changes(net, "weight_norm/{}", False))


@run("", "eight sigmoid layers: the first layer's gradient is a millionth of the last one's, the loss does not move",
     "vanishing-gradient", "loss-at-chance loss-not-decreasing underfitting-run loss-plateau update-ratio")
def layers_sigmoid(path):
    net = mlp(30, *[24] * 8, 2, act=nn.Sigmoid)
    supervised(path, net, cancer(), 15, sgd(net, 0.05), each=gradients(net, "grad_norm/{}"))


@run("", "twelve ReLU layers with weights too small: gradients shrink threefold from layer to layer towards the input",
     "vanishing-gradient", "loss-at-chance loss-not-decreasing underfitting-run loss-plateau dead-activations update-ratio")
def layers_small_weights(path):
    net = mlp(64, *[48] * 12, 10)
    for _, p in weights(net):
        nn.init.normal_(p, 0, 0.08)
    supervised(path, net, digits(), 8, sgd(net, 0.02), each=gradients(net, "Gradients/{}.weight"))


@run("", "biases far below zero: every unit of both layers is zero on every batch, share drawn", "dead-activations",
     "loss-at-chance loss-not-decreasing underfitting-run loss-plateau vanishing-gradient")
def layers_dead(path):
    net = mlp(64, 64, 64, 10)
    for i in (0, 2):
        nn.init.constant_(net[i].bias, -1.2)
    dead = activations(net, nn.ReLU, lambda h: (h == 0).all(0).float().mean().item(), "dead_relu/layer{}")
    supervised(path, net, digits(), 10, sgd(net, 0.02), each=dead)


@run("", "a rate of 1 on raw pixels kills ReLU after ReLU; the share of zero outputs climbs to one", "dead-activations",
     "loss-at-chance loss-not-decreasing learning-rate-extreme loss-spike loss-plateau underfitting-run class-collapse exploding-gradient")
def layers_dying(path):
    x, y, vx, vy = digits()
    net = mlp(64, 64, 64, 10)
    zero = activations(net, nn.ReLU, lambda h: (h == 0).float().mean().item(), "activations/relu{}/fraction_zero")
    supervised(path, net, (16 * x, y, 16 * vx, vy), 10, sgd(net, 0.3), each=zero)


@run("", "inputs in thousands before tanh: every unit at plus or minus one, share drawn per layer", "saturated-activations",
     "loss-plateau underfitting-run vanishing-gradient overfitting-run loss-not-decreasing loss-at-chance")
def layers_raw_inputs(path):
    x, y, vx, vy = classes(1500, n_features=12, n_informative=6)
    net = mlp(12, 24, 2, act=nn.Tanh)
    flat = activations(net, nn.Tanh, lambda h: (h.abs() > 0.99).float().mean().item(), "act/tanh_{}/saturated")
    supervised(path, net, (500 * x, y, 500 * vx, vy), 15, sgd(net, 0.01), each=flat)


@run("", "sigmoid hidden units after weights of five: nine of ten are at 0 or 1 throughout", "saturated-activations",
     "loss-plateau underfitting-run vanishing-gradient overfitting-run loss-not-decreasing loss-at-chance")
def layers_flat_sigmoid(path):
    net = mlp(64, 48, 48, 10, act=nn.Sigmoid)
    for i in (0, 2):
        nn.init.normal_(net[i].weight, 0, 8)
    flat = activations(net, nn.Sigmoid, lambda h: ((h < 0.02) | (h > 0.98)).float().mean().item(), "saturated_frac/sigmoid{}")
    supervised(path, net, digits(), 12, sgd(net, 0.02), each=flat)


ALL_LAYERS = "update-ratio was expected at first; but the rate is logged, and it is every layer that is off: one cause, the rate"


@run("", "updates of a ten-millionth of the weights: drawn per layer, and the loss all but stands still", "learning-rate-extreme",
     "update-ratio loss-not-decreasing loss-at-chance underfitting-run loss-plateau unchanged-parameters", ALL_LAYERS)
def layers_tiny_updates(path):
    net = mlp(64, 64, 10)
    supervised(path, net, digits(), 8, torch.optim.Adam(net.parameters(), lr=1e-9), each=changes(net, "update_ratio/{}"), every=1)


@run("", "updates as large as the weights at each step: the loss does not come down", "learning-rate-extreme",
     "update-ratio loss-oscillating loss-not-decreasing loss-spike loss-at-chance exploding-gradient loss-diverging loss-plateau",
     ALL_LAYERS)
def layers_huge_updates(path):
    net = mlp(64, 64, 10)
    optimizer = torch.optim.RMSprop(net.parameters(), lr=2.0, alpha=0.1, weight_decay=0.4)
    supervised(path, net, digits(), 8, optimizer, each=changes(net, "update_to_weight/{}"), every=1)


@run("", "the body was left out of the optimizer: its weight norms are the same to the last bit for the whole run, the head's are not",
     "unchanged-parameters", "underfitting-run loss-plateau overfitting-run gradient-accumulates exploding-gradient")
def layers_left_out(path):
    net = mlp(20, 8, 8, 2)
    data = classes(1500, n_features=20, n_informative=10)
    optimizer = torch.optim.Adam(net[4].parameters(), lr=1e-3)
    supervised(path, net, data, 20, optimizer, each=both(changes(net, "param_norm/{}", False), gradients(net)))


@run("", "the optimizer holds a net that was replaced: updates of exactly zero in each layer while gradients flow",
     "unchanged-parameters",
     "loss-not-decreasing loss-at-chance update-ratio underfitting-run loss-plateau gradient-accumulates exploding-gradient")
def layers_replaced(path):
    old, net = mlp(64, 32, 10), mlp(64, 32, 10)
    each = both(changes(net, "weights/{}/norm", False), changes(net, "weights/{}/delta"), gradients(net))
    supervised(path, net, digits(), 8, torch.optim.Adam(old.parameters(), lr=1e-3), each=each)
