"""Second hold-out, faulty: rates, gradients, layers, terms, memory, loaders, half precision."""

import json
import resource
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from kit import accuracy, batches, classes, diabetes, digits, endless, mlp, run


@run(".log", "the rate is multiplied by 0.9 after every batch: it is nothing before the third epoch, and the loss stays at 2.25",
     "learning-rate-collapsed", "loss-plateau underfitting-run no-validation loss-not-decreasing loss-at-chance")
def fresh_decays_by_batch(path):
    x, y, vx, vy = digits()
    net = mlp(64, 32, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    with open(path, "w") as out:
        step = 0
        for epoch in range(12):
            for bx, by in batches(x, y, 32):
                loss = F.cross_entropy(net(bx), by)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                step += 1
                if step % 10 == 0:
                    out.write(f"ep {epoch} it {step} | loss {loss.item():.3f} | lr {schedule.get_last_lr()[0]:.3g}\n")
            with torch.no_grad():
                out.write(f"ep {epoch} it {step} | val loss {F.cross_entropy(net(vx), vy).item():.3f}\n")


@run("", "a rate of 3e-9 with Adam; updates over weights of all four layers are logged", "learning-rate-extreme",
     "update-ratio loss-not-decreasing loss-at-chance unchanged-parameters underfitting-run no-validation loss-plateau")
def fresh_tiny_rate(path):
    x, y, _, _ = digits()
    net = mlp(64, 32, 32, 32, 10)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-9)
    board, source = SummaryWriter(path), endless(x, y, 32)
    for step in range(200):
        before = {n: p.detach().clone() for n, p in net.named_parameters() if "weight" in n}
        bx, by = next(source)
        loss = F.cross_entropy(net(bx), by)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        board.add_scalar("loss", loss.item(), step)
        board.add_scalar("learning_rate", 3e-9, step)
        for name, old in before.items():
            board.add_scalar(f"update_ratio/{name}", ((net.get_parameter(name) - old).norm() / old.norm()).item(), step)
    board.close()


@run(".jsonl", "eighteen layers of sigmoids; norms of the gradient by layer, and a loss that does not move", "vanishing-gradient",
     "loss-at-chance loss-not-decreasing update-ratio no-validation loss-plateau saturated-activations")
def fresh_deep_sigmoids(path):
    x, y, _, _ = digits()
    net = mlp(64, *[32] * 17, 10, act=nn.Sigmoid)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    source = endless(x, y, 64)
    with open(path, "w") as out:
        for step in range(150):
            bx, by = next(source)
            loss = F.cross_entropy(net(bx), by)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            norms = {f"block{i // 2:02d}": m.weight.grad.norm().item() for i, m in enumerate(net) if isinstance(m, nn.Linear)}
            out.write(json.dumps({"step": step, "loss": loss.item(), "grad_norm": norms}) + "\n")


@run(".jsonl", "the norm of gradients is cut to 0.001 at each step, of 1 and more: progress is a crawl", "clipping-always",
     "loss-not-decreasing loss-at-chance no-validation underfitting-run loss-plateau")
def fresh_cut_short(path):
    x, y, _, _ = digits()
    net = mlp(64, 32, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    source = endless(x, y, 32)
    with open(path, "w") as out:
        for step in range(0, 250):
            bx, by = next(source)
            loss = F.cross_entropy(net(bx), by)
            optimizer.zero_grad()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(net.parameters(), 1e-3)
            after = torch.stack([p.grad.norm() for p in net.parameters()]).norm()
            optimizer.step()
            row = {"global_step": step, "train/loss": loss.item(), "train/grad_norm": norm.item(), "train/grad_norm_clipped": after.item()}
            out.write(json.dumps(row) + "\n")


@run("", "offsets drawn down by one huge step: nearly all units of two layers give 0 for every sample from then on", "dead-activations",
     "loss-at-chance loss-not-decreasing class-collapse no-validation loss-spike loss-diverging loss-plateau")
def fresh_units_die(path):
    x, y, _, _ = digits()
    net = mlp(64, 48, 48, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    board, source = SummaryWriter(path), endless(x, y, 64)
    for step in range(240):
        bx, by = next(source)
        loss = F.cross_entropy(net(bx), by)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step == 60:
            with torch.no_grad():
                net[0].bias -= 6
                net[2].bias -= 6
        board.add_scalar("training/loss", loss.item(), step)
        with torch.no_grad():
            h = bx
            for i in (0, 2):
                h = F.relu(net[i](h))
                board.add_scalar(f"activations/layer{i}/dead_fraction", (h == 0).all(0).float().mean().item(), step)
    board.close()


@run(".csv", "inputs of hundreds into tanh: nearly all units of the first layer are in the flat part from the first step on", "saturated-activations",
     "vanishing-gradient loss-plateau underfitting-run loss-not-decreasing no-validation loss-at-chance")
def fresh_flat_units(path):
    x, y, _, _ = classes(1500, n_features=12, n_informative=6)
    net = mlp(12, 32, 32, 2, act=nn.Tanh)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    source = endless(x * 150, y, 32)
    with open(path, "w") as out:
        out.write("step,loss,tanh1_saturated,tanh2_saturated\n")
        for step in range(200):
            bx, by = next(source)
            first = net[1](net[0](bx))
            second = net[3](net[2](first))
            loss = F.cross_entropy(net[4](second), by)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            flat = [(h.abs() > 0.97).float().mean().item() for h in (first, second)]
            out.write(f"{step},{loss.item():.5f},{flat[0]:.4f},{flat[1]:.4f}\n")


@run(".log", "the encoder is not in the optimizer: its norms are the same to the last figure", "unchanged-parameters",
     "underfitting-run loss-plateau loss-not-decreasing no-validation")
def fresh_encoder_left_out(path):
    x, y, vx, vy = digits()
    encoder, head = mlp(64, 32, 4, act=nn.Tanh), nn.Linear(4, 10)
    optimizer = torch.optim.Adam(head.parameters(), lr=5e-3)
    with open(path, "w") as out:
        for epoch in range(30):
            sums = []
            for bx, by in batches(x, y, 64):
                loss = F.cross_entropy(head(encoder(bx)), by)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                sums.append(loss.item())
            with torch.no_grad():
                val = F.cross_entropy(head(encoder(vx)), vy).item()
            norms = {"encoder.0": encoder[0].weight.norm(), "encoder.2": encoder[2].weight.norm(), "head": head.weight.norm()}
            said = " ".join(f"weight_norm/{k}={v.item():.6f}" for k, v in norms.items())
            out.write(f"epoch={epoch} train_loss={np.mean(sums):.4f} val_loss={val:.4f} {said}\n")


@run(".csv", "depth in millimetres beside a class: the squared error is millions, the cross-entropy does not move", "loss-terms-unbalanced",
     "overfitting-run underfitting-run loss-plateau exploding-gradient no-validation loss-oscillating")
def fresh_millimetres(path):
    x, y, _, _ = digits()
    depth = 1500 + 900 * torch.tanh(x @ torch.randn(64) * 0.3)
    body, kind, far = mlp(64, 32, 16), nn.Linear(16, 10), nn.Linear(16, 1)
    optimizer = torch.optim.Adam([*body.parameters(), *kind.parameters(), *far.parameters()], lr=3e-3)
    with open(path, "w") as out:
        out.write("epoch,depth_loss,class_loss,total_loss\n")
        for epoch in range(40):
            sums = []
            for rows in torch.randperm(len(x)).split(64):
                h = F.relu(body(x[rows]))
                terms = F.mse_loss(far(h)[:, 0], depth[rows]), F.cross_entropy(kind(h), y[rows])
                optimizer.zero_grad()
                sum(terms).backward()
                optimizer.step()
                sums.append([t.item() for t in terms])
            a, b = np.mean(sums, 0)
            out.write(f"{epoch},{a:.2f},{b:.4f},{a + b:.2f}\n")


@run(".log", "outputs of all batches are kept for a report at the end, with their graphs: the process grows by megabytes an epoch",
     "memory-growth", "no-validation loss-plateau")
def fresh_keeps_outputs(path):
    x, y, _, _ = digits()
    net, kept = mlp(64, 512, 512, 10), []
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    with open(path, "w") as out:
        for epoch in range(60):
            sums = []
            for bx, by in batches(x, y, 128):
                pred = net(bx)
                kept.append(pred)
                loss = F.cross_entropy(pred, by)
                optimizer.zero_grad()
                loss.backward(retain_graph=True)
                optimizer.step()
                sums.append(loss.item())
            used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            out.write(f"epoch {epoch} loss {np.mean(sums):.4f} rss {used:.1f}MB\n")


@run(".jsonl", "a loader that decodes in the training process: two thirds of each step is waiting", "data-starved", "no-validation")
def fresh_slow_loader(path):
    x, y, _, _ = digits()
    net = mlp(64, 256, 256, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    source = endless(x, y, 256)
    with open(path, "w") as out:
        for step in range(120):
            began = time.perf_counter()
            bx, by = next(source)
            time.sleep(0.03 + 0.01 * np.random.rand())
            loaded = time.perf_counter()
            loss = F.cross_entropy(net(bx), by)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done = time.perf_counter()
            out.write(json.dumps({"step": step, "loss": loss.item(), "data_time": loaded - began, "iter_time": done - began}) + "\n")


@run(".csv", "half precision with targets of thousands: the scale is halved again and again, and no step is taken", "amp-overflow",
     "loss-not-decreasing no-validation unchanged-parameters non-finite-gradient")
def fresh_half_precision(path):
    x, y, _, _ = diabetes()
    net = mlp(10, 32, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    scale, source = 65536.0, endless(x, y * 3000, 32)
    with open(path, "w") as out:
        out.write("step,loss,loss_scale\n")
        for step in range(150):
            bx, by = next(source)
            loss = F.mse_loss(net(bx)[:, 0], by)
            optimizer.zero_grad()
            (loss * scale).backward()
            half = [p.grad.half().float() for p in net.parameters()]
            if all(g.isfinite().all() for g in half):
                for p, g in zip(net.parameters(), half):
                    p.grad = g / scale
                optimizer.step()
                scale *= 2 if step % 5 == 4 else 1
            else:
                scale /= 2
            out.write(f"{step},{loss.item():.6g},{scale:g}\n")
