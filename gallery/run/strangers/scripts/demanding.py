"""Healthy runs that look odd at first sight, each for a reason its log tells."""

import json
import math
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from board import Corridor, board, step_of
from kit import accuracy, batches, classes, digits, endless, mlp, run, split
from machines import Table, half_step


@run(".csv", "the parity of three bits among eight: chance for the first quarter of the run, then solved")
def demanding_late_bloomer(path):
    r = np.random.RandomState(0)
    x = r.choice([-1.0, 1.0], (4000, 8))
    x, y, vx, vy = split(x, (x[:, 0] * x[:, 3] * x[:, 5] > 0).astype(int), 0.25)
    net = mlp(8, 64, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02)
    table = Table(path)
    for epoch in range(60):
        sums = []
        for bx, by in batches(x, y, 50):
            loss = F.cross_entropy(net(bx), by)
            step_of(optimizer, loss)
            sums.append(loss.item())
        table.row(epoch=epoch, train_loss=float(np.mean(sums)), val_loss=F.cross_entropy(net(vx), vy).item(), val_acc=accuracy(net(vx), vy))


@run(".jsonl", "mixed precision starts at a scale of 2^28, halves it ten times in the first steps and keeps it from then on")
def demanding_scale_settles(path):
    x, y, vx, vy = digits()
    net = mlp(64, 64, 10)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-4)
    stream, scale = endless(x, y, 32), 2.0**28
    with open(path, "w") as out:
        for step in range(600):
            bx, by = next(stream)
            loss, over = half_step(net, optimizer, lambda net: F.cross_entropy(net(bx), by), scale)
            scale = scale / 2 if over else scale
            if step % 2 == 0:
                row = {"step": step, "train_loss": loss, "loss_scale": scale}
                if step % 60 == 0:
                    row["val_loss"] = F.cross_entropy(net(vx), vy).item()
                out.write(json.dumps(row) + "\n")


@run(".csv", "workers start anew each epoch: its first step waits long, the others do not")
def demanding_epoch_starts(path):
    x, y, vx, vy = digits()
    net = mlp(64, 512, 512, 10)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-4)
    table, step = Table(path), 0
    for epoch in range(8):
        began = time.perf_counter()
        time.sleep(0.03)
        for bx, by in batches(x, y, 32):
            loaded = time.perf_counter()
            loss = F.cross_entropy(net(bx), by)
            step_of(optimizer, loss)
            ended = time.perf_counter()
            val = F.cross_entropy(net(vx), vy).item() if step % 42 == 0 else ""
            table.row(step=step, train_loss=loss.item(), data_time=loaded - began, step_time=ended - began, val_loss=val)
            step, began = step + 1, time.perf_counter()


@run(".jsonl", "nine of ten rows are of one class and nine of ten predictions are: shares as in the data, recall of the rest high")
def demanding_rare_class(path):
    x, y, vx, vy = classes(4000, n_features=15, n_informative=8, weights=[0.9], class_sep=1.6, flip_y=0.0)
    net = mlp(15, 32, 2)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    with open(path, "w") as out:
        for epoch in range(30):
            for bx, by in batches(x, y, 64):
                loss = F.cross_entropy(net(bx), by)
                step_of(optimizer, loss)
            said = net(vx).argmax(1)
            out.write(json.dumps({"epoch": epoch, "train_loss": loss.item(), "val_loss": F.cross_entropy(net(vx), vy).item(),
                                  "val_recall_1": (said[vy == 1] == 1).float().mean().item(),
                                  "pred_share": {"0": (said == 0).float().mean().item(), "1": (said == 1).float().mean().item()},
                                  "label_share": {"0": (vy == 0).float().mean().item(), "1": (vy == 1).float().mean().item()}}) + "\n")


@run(".csv", "experts with a balance loss weighed 0.01 on purpose: a hundredth of the class loss, logged as it is added",
     may="loss-terms-unbalanced")
def demanding_balance_loss(path):
    x, y, vx, vy = digits()
    gate, experts = nn.Linear(64, 4), nn.ModuleList([mlp(64, 24, 10) for _ in range(4)])
    optimizer = torch.optim.Adam([*gate.parameters(), *experts.parameters()], lr=1e-3)

    def mixed(x):
        share = torch.softmax(gate(x), 1)
        return (share[:, None] * torch.stack([e(x) for e in experts], 2)).sum(2), 0.01 * 4 * (share.mean(0) ** 2).sum()

    table, stream = Table(path), endless(x, y, 32)
    for step in range(700):
        bx, by = next(stream)
        out, aux = mixed(bx)
        loss = F.cross_entropy(out, by)
        step_of(optimizer, loss + aux)
        if step % 10 == 0:
            table.row(step=step, loss=(loss + aux).item(), ce_loss=loss.item(), aux_loss=aux.item(),
                      val_loss=F.cross_entropy(mixed(vx)[0], vy).item())


@run("", "cosine to zero with update ratios drawn: they end at 1e-7 because the rate does")
def demanding_cosine_updates(path):
    x, y, vx, vy = digits()
    net = mlp(64, 64, 64, 10)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 700)
    stream = endless(x, y, 32)
    with board(path) as out:
        for step in range(700):
            before = {k: p.detach().clone() for k, p in net.named_parameters() if p.dim() > 1}
            bx, by = next(stream)
            loss = F.cross_entropy(net(bx), by)
            norm = step_of(optimizer, loss)
            if step % 7 == 0 or step > 690:
                out.add_scalar("train/loss", loss.item(), step)
                out.add_scalar("train/grad_norm", norm, step)
                out.add_scalar("train/lr", schedule.get_last_lr()[0], step)
                out.add_scalar("val/loss", F.cross_entropy(net(vx), vy).item(), step)
                for k, p in net.named_parameters():
                    if k in before:
                        out.add_scalar(f"update_ratio/{k}", ((p - before[k]).norm() / before[k].norm()).item(), step)
            schedule.step()


@run("", "actor and critic: the critic's loss grows while returns grow, the policy's loss has no trend", may="no-validation")
def demanding_actor_critic(path):
    actor, critic, world = mlp(12, 32, 2), mlp(12, 32, 1), Corridor()
    optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=3e-3)
    with board(path) as out:
        for episode in range(300):
            seen, acts, rewards = [world.reset()], [], []
            for _ in range(50):
                a = torch.distributions.Categorical(logits=actor(seen[-1])).sample()
                s, reward, done = world.act(int(a))
                acts, rewards = [*acts, a], [*rewards, 10 * reward if reward > 0 else reward]
                if done:
                    break
                seen.append(s)
            seen = torch.stack(seen[: len(acts)])
            back = torch.tensor([sum(r * 0.95**k for k, r in enumerate(rewards[t:])) for t in range(len(rewards))])
            value, policy = critic(seen)[:, 0], torch.distributions.Categorical(logits=actor(seen))
            gain = (back - value).detach()
            loss_pi = -(policy.log_prob(torch.stack(acts)) * gain).mean()
            loss_v, entropy = F.mse_loss(value, back), policy.entropy().mean()
            step_of(optimizer, loss_pi + 0.5 * loss_v - 0.01 * entropy, 0.5)
            for k, v in {"train/policy_gradient_loss": loss_pi, "train/value_loss": loss_v, "train/entropy_loss": -entropy,
                         "rollout/ep_rew_mean": sum(rewards)}.items():
                out.add_scalar(k, float(torch.as_tensor(v).detach()), episode)


@run(".log", "validation each tenth epoch only, in lines of their own")
def demanding_seldom_validated(path):
    x, y, vx, vy = digits()
    net = mlp(64, 64, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    with open(path, "w") as out:
        for epoch in range(1, 51):
            total = 0.0
            for bx, by in batches(x, y, 32):
                loss = F.cross_entropy(net(bx), by)
                step_of(optimizer, loss)
                total += loss.item() / 42
            out.write(f"epoch {epoch} train loss {total:.4f}\n")
            if epoch % 10 == 0:
                out.write(f"epoch {epoch} val loss {F.cross_entropy(net(vx), vy).item():.4f} val acc {accuracy(net(vx), vy):.4f}\n")


@run(".csv", "returns of a market made up with almost no signal: 0.693 to 0.683, accuracy 0.55, which is all there is",
     may="loss-at-chance underfitting-run loss-not-decreasing overfitting-run loss-plateau")
def demanding_weak_signal(path):
    r = np.random.RandomState(3)
    x = r.randn(20000, 10)
    y = (r.rand(20000) < 1 / (1 + np.exp(-0.3 * x[:, 0] - 0.15 * x[:, 1]))).astype(int)
    x, y, vx, vy = split(x, y, 0.25)
    net = mlp(10, 8, 2)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    table = Table(path)
    for epoch in range(15):
        sums = []
        for bx, by in batches(x, y, 256):
            loss = F.cross_entropy(net(bx), by)
            step_of(optimizer, loss)
            sums.append(loss.item())
        table.row(epoch=epoch, train_loss=float(np.mean(sums)), val_loss=F.cross_entropy(net(vx), vy).item(), val_acc=accuracy(net(vx), vy))


@run(".csv", "house prices not scaled: squared errors of ten digits that fall a hundredfold and then slowly")
def demanding_large_numbers(path):
    r = np.random.RandomState(4)
    x = r.rand(2000, 6)
    y = 50000 + 300000 * x[:, 0] + 120000 * x[:, 1] * x[:, 2] + 15000 * r.randn(2000)
    x, y, vx, vy = split(x, y, 0.2)
    net = nn.Linear(6, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=600.0)
    table = Table(path)
    for epoch in range(60):
        sums = []
        for bx, by in batches(x, y, 50):
            loss = F.mse_loss(net(bx)[:, 0], by)
            step_of(optimizer, loss)
            sums.append(loss.item())
        table.row(epoch=epoch, mse=float(np.mean(sums)), val_mse=F.mse_loss(net(vx)[:, 0], vy).item())


@run(".jsonl", "a net of 30 layers with highways and gradients per layer within one order of each other, long warm-up")
def demanding_deep_highway(path):
    x, y, vx, vy = digits()
    inner = nn.ModuleList([nn.Linear(32, 32) for _ in range(30)])
    first, last = nn.Linear(64, 32), nn.Linear(32, 10)
    for layer in inner:
        nn.init.normal_(layer.weight, 0, 0.05)
    parameters = [*first.parameters(), *inner.parameters(), *last.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-3)

    def net(x):
        h = first(x)
        for layer in inner:
            h = h + torch.tanh(layer(h))
        return last(h)

    stream = endless(x, y, 32)
    with open(path, "w") as out:
        for step in range(300):
            optimizer.param_groups[0]["lr"] = 1e-3 * min(1, (step + 1) / 100)
            bx, by = next(stream)
            loss = F.cross_entropy(net(bx), by)
            norm = step_of(optimizer, loss, math.inf)
            if step % 5 == 0:
                row = {"step": step, "loss": loss.item(), "grad_norm": norm, "lr": optimizer.param_groups[0]["lr"],
                       "val_loss": F.cross_entropy(net(vx), vy).item()}
                for i in range(0, 30, 5):
                    row[f"grad_norm/layers.{i}.weight"] = inner[i].weight.grad.norm().item()
                out.write(json.dumps(row) + "\n")
