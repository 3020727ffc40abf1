"""A research code base that appends one JSON object a step."""

import json
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from kit import accuracy, cancer, diabetes, digits, endless, mlp, run, split


class Log:
    def __init__(self, path):
        self.out = open(path, "w")

    def write(self, step, **values):
        self.out.write(json.dumps({"step": step, **{k: plain(v) for k, v in values.items()}}) + "\n")


def plain(v):
    if isinstance(v, torch.Tensor):
        return v.detach().item() if v.dim() == 0 else v.tolist()
    return {k: plain(e) for k, e in v.items()} if isinstance(v, dict) else v


def update(optimizer, loss, clip=None):
    """One step; returns the norm of the gradient before it is clipped."""
    optimizer.zero_grad()
    loss.backward()
    parameters = [p for g in optimizer.param_groups for p in g["params"]]
    norm = nn.utils.clip_grad_norm_(parameters, clip or math.inf)
    optimizer.step()
    return norm.item()


@run(".jsonl", "contrastive learning of noisy views of digits: the loss starts at ln of the batch and falls slowly")
def research_contrastive(path):
    x, y, vx, vy = digits()
    net, log = mlp(64, 64, 16), Log(path)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    stream = endless(x, y, 64)

    def loss_of(x):
        a, b = (F.normalize(net(x + 0.3 * torch.randn_like(x)), dim=1) for _ in range(2))
        return F.cross_entropy(a @ b.T / 0.2, torch.arange(len(x)))

    for step in range(600):
        loss = loss_of(next(stream)[0])
        norm = update(optimizer, loss)
        if step % 5 == 0:
            log.write(step, loss=loss, grad_norm=norm, lr=1e-3)
        if step % 100 == 99:
            log.write(step, val_loss=loss_of(vx[:64]))


@run(".jsonl", "a diffusion model of digits: noise of the time drawn makes each step's loss jump, the mean falls little",
     may="no-validation")
def research_diffusion(path):
    x, y, _, _ = digits()
    net, log = mlp(65, 128, 128, 64), Log(path)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
    stream = endless(2 * x - 1, y, 32)
    for step in range(1500):
        bx, _ = next(stream)
        t = torch.rand(len(bx), 1)
        noise = torch.randn_like(bx)
        keep = torch.cos(t * math.pi / 2)
        loss = F.mse_loss(net(torch.cat([keep * bx + (1 - keep**2).sqrt() * noise, t], 1)), noise)
        norm = update(optimizer, loss, 1.0)
        if step % 5 == 0:
            log.write(step, loss=loss, grad_norm=norm, lr=2e-3)


@run(".jsonl", "three quantiles by the pinball loss, small numbers that level off at the noise of the data", may="overfitting-run")
def research_quantiles(path):
    x, y, vx, vy = diabetes()
    net, log = mlp(10, 24, 3), Log(path)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    q = torch.tensor([0.1, 0.5, 0.9])

    def pinball(x, y):
        error = y[:, None] - net(x)
        return torch.maximum(q * error, (q - 1) * error).mean()

    stream = endless(x, y, 32)
    for step in range(500):
        loss = pinball(*next(stream))
        update(optimizer, loss)
        log.write(step, train={"loss": loss}, **({"val": {"loss": pinball(vx, vy)}} if step % 25 == 0 else {}))


@run(".jsonl", "negative log-likelihood of a mixture of Gaussians: goes from 1.5 through zero to below", may="overfitting-run")
def research_mixture(path):
    r = np.random.RandomState(0)
    t = r.rand(3000)
    data = split(np.stack([t, r.rand(3000)], 1), np.sin(6 * t) * np.where(r.rand(3000) < 0.5, 1, -1) + 0.05 * r.randn(3000), 0.2)
    net, log = mlp(2, 64, 64, 6), Log(path)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)

    def nll(x, y):
        w, mean, scale = net(x).chunk(3, 1)
        each = torch.distributions.Normal(mean, F.softplus(scale) + 0.05).log_prob(y[:, None])
        return -torch.logsumexp(F.log_softmax(w, 1) + each, 1).mean()

    stream = endless(data[0], data[1], 64)
    for step in range(1500):
        loss = nll(*next(stream))
        norm = update(optimizer, loss, 5.0)
        if step % 10 == 0:
            log.write(step, nll=loss, grad_norm=norm)
        if step % 100 == 0:
            log.write(step, val_nll=nll(data[2], data[3]))


@run(".jsonl", "triplets of digits: more and more triplets are satisfied, the loss goes to exact zeros at many steps")
def research_triplets(path):
    x, y, vx, vy = digits()
    net, log = mlp(64, 64, 8), Log(path)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

    def triplet(x, y, n):
        rows = torch.randint(0, len(x), (n,))
        same = torch.stack([torch.nonzero(y == y[i])[torch.randint(0, int((y == y[i]).sum()), (1,))][0, 0] for i in rows])
        other = torch.stack([torch.nonzero(y != y[i])[torch.randint(0, int((y != y[i]).sum()), (1,))][0, 0] for i in rows])
        return F.triplet_margin_loss(net(x[rows]), net(x[same]), net(x[other]), margin=0.5)

    for step in range(600):
        loss = triplet(x, y, 16)
        update(optimizer, loss)
        if step % 2 == 0:
            log.write(step, loss=loss, **({"val_loss": triplet(vx, vy, 100)} if step % 50 == 0 else {}))


@run(".jsonl", "a curriculum: the loss steps up each time harder digits join, and falls again")
def research_curriculum(path):
    x, y, vx, vy = digits()
    net, log = mlp(64, 64, 10), Log(path)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for stage, known in enumerate((3, 5, 7, 10)):
        rows = y < known
        stream = endless(x[rows], y[rows], 32)
        for step in range(150 * stage, 150 * (stage + 1)):
            bx, by = next(stream)
            out = net(bx)
            loss = F.cross_entropy(out, by)
            update(optimizer, loss)
            if step % 3 == 0:
                log.write(step, loss=loss, acc=accuracy(out, by), n_classes=known)
        log.write(step, val_acc=accuracy(net(vx), vy), val_loss=F.cross_entropy(net(vx), vy))


@run(".jsonl", "a small net learns the soft answers of a large one, temperature 4, two terms")
def research_distilled(path):
    x, y, vx, vy = digits()
    teacher, net, log = mlp(64, 128, 10), mlp(64, 16, 10), Log(path)
    first, stream = torch.optim.Adam(teacher.parameters(), lr=2e-3), endless(x, y, 32)
    for _ in range(400):
        bx, by = next(stream)
        update(first, F.cross_entropy(teacher(bx), by))
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for step in range(700):
        bx, by = next(stream)
        out = net(bx)
        soft = F.kl_div(F.log_softmax(out / 4, 1), F.softmax(teacher(bx).detach() / 4, 1), reduction="batchmean") * 16
        hard = F.cross_entropy(out, by)
        norm = update(optimizer, 0.7 * soft + 0.3 * hard)
        if step % 10 == 0:
            log.write(step, loss=0.7 * soft + 0.3 * hard, kd_loss=soft, ce_loss=hard, grad_norm=norm)
        if step % 50 == 49:
            log.write(step, val_acc=accuracy(net(vx), vy))


@run(".jsonl", "first-order meta-learning on sines: the loss of each task differs tenfold, the trend is down", may="no-validation")
def research_meta(path):
    net, log = mlp(1, 40, 40, 1, act=nn.Tanh), Log(path)
    for step in range(600):
        before = [p.detach().clone() for p in net.parameters()]
        height, phase = 0.1 + 4.9 * torch.rand(1), math.pi * torch.rand(1)
        inner = torch.optim.SGD(net.parameters(), lr=0.02)
        for _ in range(8):
            x = 10 * torch.rand(10, 1) - 5
            loss = F.mse_loss(net(x), height * torch.sin(x + phase))
            update(inner, loss)
        with torch.no_grad():
            for p, b in zip(net.parameters(), before):
                p.copy_(b + 0.3 * (1 - step / 600) * (p - b))
        log.write(step, meta_loss=loss)


def shares(out):
    found = torch.bincount(out.argmax(1), minlength=out.shape[1]).float()
    return {str(k): v for k, v in enumerate((found / found.sum()).tolist())}


@run(".jsonl", "a rate so high that the last layer's bias wins: nearly all predictions are one digit, today this and then that; shares logged",
     "class-collapse", "loss-oscillating loss-at-chance learning-rate-extreme loss-not-decreasing loss-plateau loss-spike underfitting-run "
     "loss-diverging")
def research_one_digit(path):
    x, y, vx, vy = digits()
    net, log = mlp(64, 64, 64, 10), Log(path)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.3)
    stream = endless(x, y, 64)
    for step in range(400):
        bx, by = next(stream)
        loss = F.cross_entropy(net(bx), by)
        update(optimizer, loss)
        if step % 20 == 0:
            out = net(vx)
            log.write(step, loss=loss, val_loss=F.cross_entropy(out, vy), val_acc=accuracy(out, vy), pred_share=shares(out))


@run(".jsonl", "tanh units after a first layer with weights of a hundred: 97 of 100 are flat at each step, the share is logged",
     "saturated-activations", "vanishing-gradient loss-plateau underfitting-run no-validation overfitting-run loss-not-decreasing")
def research_flat_tanh(path):
    x, y, vx, vy = cancer()
    net, log = mlp(30, 32, 32, 2, act=nn.Tanh), Log(path)
    nn.init.normal_(net[0].weight, 0, 10)
    nn.init.normal_(net[2].weight, 0, 5)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    stream = endless(x, y, 32)
    for step in range(500):
        bx, by = next(stream)
        loss = F.cross_entropy(net(bx), by)
        norm = update(optimizer, loss)
        if step % 10 == 0:
            flat, h = {}, vx
            for i, layer in enumerate(net):
                h = layer(h)
                if isinstance(layer, nn.Tanh):
                    flat[f"tanh{i // 2 + 1}"] = (h.abs() > 0.97).float().mean()
            log.write(step, loss=loss, val_loss=F.cross_entropy(net(vx), vy), grad_norm=norm, saturated_fraction=flat)


@run(".jsonl", "two steps at 20 kill the ReLU units: 9 of 10 of both layers are zero on all of validation, shares logged",
     "dead-activations", "loss-plateau underfitting-run loss-at-chance loss-spike learning-rate-extreme loss-not-decreasing "
     "class-collapse")
def research_killed(path):
    x, y, vx, vy = digits()
    net, log = mlp(64, 64, 64, 10), Log(path)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    stream = endless(x, y, 32)
    for step in range(400):
        bx, by = next(stream)
        loss = F.cross_entropy(net(bx), by)
        optimizer.param_groups[0]["lr"] = 20.0 if step in (60, 61) else 0.05
        update(optimizer, loss)
        if step % 10 == 0:
            h1 = torch.relu(net[0](vx))
            h2 = torch.relu(net[2](h1))
            dead = {"fc1": (h1 == 0).all(0).float().mean(), "fc2": (h2 == 0).all(0).float().mean()}
            log.write(step, loss=loss, val_loss=F.cross_entropy(net(vx), vy), dead_fraction=dead)


@run(".jsonl", "a deep linear chain whose norms grow: the gradient's norm is ten, a hundred, then 1e5 before the loss is lost",
     "exploding-gradient", "loss-diverging loss-spike learning-rate-extreme no-validation non-finite-loss non-finite-gradient "
     "loss-oscillating")
def research_chain(path):
    x, y, _, _ = diabetes()
    net, log = nn.Sequential(*[nn.Linear(10, 10) for _ in range(8)], nn.Linear(10, 1)), Log(path)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.005, momentum=0.9)
    stream = endless(x, y, 16)
    for step in range(400):
        bx, by = next(stream)
        loss = F.mse_loss(net(bx)[:, 0], 6 * by)
        norm = update(optimizer, loss, None)
        log.write(step, loss=loss, grad_norm=norm, lr=0.005)
        if norm > 1e6 or math.isnan(norm):
            break


@run(".jsonl", "reconstruction of pixels from 0 to 255 summed over the picture beside a KL: one term is a thousand times the other",
     "loss-terms-unbalanced", "no-validation loss-plateau")
def research_sum_and_mean(path):
    x, y, _, _ = digits()
    enc, dec, log = mlp(64, 64, 8), mlp(4, 64, 64), Log(path)
    optimizer = torch.optim.Adam([*enc.parameters(), *dec.parameters()], lr=1e-3)
    stream = endless(x, y, 32)
    for step in range(600):
        bx, _ = next(stream)
        mean, logvar = enc(bx).chunk(2, 1)
        z = mean + torch.exp(logvar / 2) * torch.randn_like(mean)
        rec = ((dec(z) - 255 * bx) ** 2).sum(1).mean()
        kl = 0.5 * (logvar.exp() + mean**2 - 1 - logvar).mean()
        update(optimizer, rec + kl)
        if step % 10 == 0:
            log.write(step, loss=rec + kl, reconstruction_loss=rec, kl_loss=kl)
