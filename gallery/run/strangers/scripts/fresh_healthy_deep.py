"""Second hold-out, healthy: networks in loops of several styles, and losses that are odd for a reason."""

import copy
import csv
import json
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from kit import accuracy, batches, classes, digits, mlp, moons, run

STAMP = "2025-03-0{} {:02d}:{:02d}:{:02d},417 | INFO     | trainer:fit:88 - "


def stamp(seconds):
    return STAMP.format(1 + seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60, seconds % 60)


@run(".log", "a convolutional net; lines of a logging library with the time, module and line in front")
def fresh_stamped(path):
    x, y, vx, vy = digits()
    net = nn.Sequential(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 12, 3), nn.BatchNorm2d(12), nn.ReLU(), nn.Flatten(), nn.Linear(432, 10))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9, nesterov=True)
    with open(path, "w") as out:
        out.write(stamp(0) + "device=cpu params=4462 seed=11\n")
        for epoch in range(20):
            net.train()
            sums = []
            for bx, by in batches(x, y, 64):
                loss = F.cross_entropy(net(bx), by)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                sums.append(loss.item())
            net.eval()
            with torch.no_grad():
                pred = net(vx)
            values = f"train/loss={np.mean(sums):.4f} valid/loss={F.cross_entropy(pred, vy):.4f} valid/acc={accuracy(pred, vy):.2%}"
            out.write(stamp(37 * epoch + 41) + f"epoch={epoch} {values}\n")


class Sorter(nn.Module):
    """Tells each place of the sorted sequence."""

    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(32, 4, 64, 0.0, batch_first=True, norm_first=True)
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.embed, self.place, self.head = nn.Embedding(10, 32), nn.Parameter(torch.randn(8, 32) * 0.1), nn.Linear(32, 10)

    def forward(self, x):
        return self.head(self.body(self.embed(x) + self.place))


@run(".jsonl", "a transformer learns to sort eight figures, warm-up and inverse square root, fresh data all the time")
def fresh_sorter(path):
    net = Sorter()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min((s + 1) / 60, math.sqrt(60 / (s + 1))))
    fixed = torch.randint(0, 10, (256, 8))
    with open(path, "w") as out:
        for step in range(500):
            x = torch.randint(0, 10, (64, 8))
            loss = F.cross_entropy(net(x).flatten(0, 1), x.sort(1).values.flatten())
            optimizer.zero_grad()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            if step % 5 == 0:
                row = {"trainer": {"step": step, "loss": loss.item(), "gnorm": norm.item(), "lr": schedule.get_last_lr()[0]}}
                if step % 50 == 0:
                    with torch.no_grad():
                        row["dev"] = {"loss": F.cross_entropy(net(fixed).flatten(0, 1), fixed.sort(1).values.flatten()).item()}
                out.write(json.dumps(row) + "\n")


@run(".csv", "what users like, by pairs: the loss begins at ln 2 and falls, ndcg of held-out pairs rises", may="overfitting-run")
def fresh_pairs(path):
    r = np.random.RandomState(12)
    a, b = torch.tensor(r.randn(150, 5)).float(), torch.tensor(r.randn(200, 5)).float()
    likes = a @ b.T + 0.7 * torch.randn(150, 200)
    p, q = nn.Parameter(0.05 * torch.randn(150, 8)), nn.Parameter(0.05 * torch.randn(200, 8))
    optimizer = torch.optim.Adam([p, q], lr=1e-2, weight_decay=1e-4)
    order, gain = likes.argsort(1, descending=True)[:, :20], 1 / torch.log2(torch.arange(20) + 2.0)
    with open(path, "w", newline="") as file:
        out = csv.writer(file, delimiter="\t")
        out.writerow(["epoch", "bpr", "ndcg@20"])
        for epoch in range(60):
            sums = []
            for _ in range(30):
                u, i, j = torch.randint(0, 150, (256,)), torch.randint(0, 200, (256,)), torch.randint(0, 200, (256,))
                sign = torch.sign(likes[u, i] - likes[u, j])
                loss = -F.logsigmoid(sign * (p[u] * (q[i] - q[j])).sum(1)).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                sums.append(loss.item())
            found = (p @ q.T).argsort(1, descending=True)[:, :20]
            hits = (found[:, :, None] == order[:, None]).any(2).float()
            out.writerow([epoch, f"{np.mean(sums):.5f}", f"{((hits * gain).sum(1) / gain.sum()).mean().item():.4f}"])


@run(".log", "two-armed and ten-armed bandits by policy gradient; reward rises, the surrogate loss wanders about zero", may="no-validation")
def fresh_bandit(path):
    means = torch.linspace(-1, 1, 10)
    logits = nn.Parameter(torch.zeros(10))
    optimizer = torch.optim.SGD([logits], lr=0.3)
    with open(path, "w") as out:
        for episode in range(0, 300):
            policy = torch.distributions.Categorical(logits=logits)
            arm = policy.sample((32,))
            reward = means[arm] + torch.randn(32)
            loss = -(policy.log_prob(arm) * (reward - reward.mean())).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            out.write(f"episode {episode}: reward {reward.mean():.3f} loss {loss.item():+.4f} entropy {policy.entropy().item():.3f}\n")


@run("", "a small net taught by a large one: two terms of the loss, one four times the other, both fall")
def fresh_taught(path):
    x, y, vx, vy = digits()
    teacher, pupil = mlp(64, 128, 10), mlp(64, 12, 10)
    optimizer = torch.optim.Adam(teacher.parameters(), lr=2e-3)
    for _ in range(12):
        for bx, by in batches(x, y, 32):
            loss = F.cross_entropy(teacher(bx), by)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    optimizer = torch.optim.Adam(pupil.parameters(), lr=3e-3)
    board, step = SummaryWriter(path), 0
    for _ in range(20):
        for bx, by in batches(x, y, 32):
            out, wanted = pupil(bx), teacher(bx).detach()
            soft = 4 * F.kl_div((out / 2).log_softmax(1), (wanted / 2).softmax(1), reduction="batchmean")
            hard = F.cross_entropy(out, by)
            optimizer.zero_grad()
            (soft + hard).backward()
            optimizer.step()
            step += 1
            if step % 10 == 0:
                board.add_scalars("distill", {"soft_loss": soft.item(), "hard_loss": hard.item()}, step)
                board.add_scalar("distill/total_loss", (soft + hard).item(), step)
        with torch.no_grad():
            board.add_scalar("val/cross_entropy", F.cross_entropy(pupil(vx), vy).item(), step)
    board.close()


@run(".csv", "mixed pairs of samples: training loss stays at 0.9 while validation goes to 0.1", may="loss-plateau")
def fresh_mixup(path):
    x, y, vx, vy = digits()
    net = mlp(64, 96, 10)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
    with open(path, "w") as out:
        out.write("ep,tr_loss,va_loss,va_acc\n")
        for epoch in range(40):
            sums = []
            for bx, by in batches(x, y, 32):
                share, other = np.random.beta(1, 1), torch.randperm(32)
                pred = net(share * bx + (1 - share) * bx[other])
                loss = share * F.cross_entropy(pred, by) + (1 - share) * F.cross_entropy(pred, by[other])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                sums.append(loss.item())
            with torch.no_grad():
                pred = net(vx)
            out.write(f"{epoch},{np.mean(sums):.4f},{F.cross_entropy(pred, vy).item():.4f},{accuracy(pred, vy):.4f}\n")


@run(".log", "five folds one after the other in one file: epochs begin anew with each, and so does the loss", may="overfitting-run")
def fresh_folds(path):
    x, y, vx, vy = classes(1000, held_out=0.2, n_features=12, n_informative=6)
    x, y = torch.cat([x, vx]), torch.cat([y, vy])
    with open(path, "w") as out:
        for fold in range(5):
            net = mlp(12, 16, 2)
            optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
            held = torch.arange(len(x)) % 5 == fold
            out.write(f"===== fold {fold + 1} of 5 =====\n")
            for epoch in range(1, 13):
                sums = []
                for bx, by in batches(x[~held], y[~held], 32):
                    loss = F.cross_entropy(net(bx), by)
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    sums.append(loss.item())
                with torch.no_grad():
                    val = F.cross_entropy(net(x[held]), y[held]).item()
                out.write(f"epoch {epoch}: loss {np.mean(sums):.4f}, val_loss {val:.4f}\n")


@run(".jsonl", "weights of two tasks are learned as their uncertainty: the total goes below zero")
def fresh_uncertain_tasks(path):
    x, y, vx, vy = digits()
    body, kind, amount = mlp(64, 48, 24), nn.Linear(24, 10), nn.Linear(24, 1)
    log = nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.Adam([*body.parameters(), *kind.parameters(), *amount.parameters(), log], lr=3e-3)

    def terms(x, y):
        h = F.relu(body(x))
        return torch.stack([F.cross_entropy(kind(h), y), F.mse_loss(amount(h)[:, 0], x.mean(1) * 3)])

    with open(path, "w") as out:
        for epoch in range(60):
            sums = []
            for bx, by in batches(x, y, 64):
                loss = (terms(bx, by) * (-log).exp() + 0.5 * log).sum()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                sums.append(loss.item())
            with torch.no_grad():
                held = (terms(vx, vy) * (-log).exp() + 0.5 * log).sum().item()
            row = {"epoch": epoch, "loss": np.mean(sums), "val_loss": held, "sigma_kind": log[0].item(), "sigma_amount": log[1].item()}
            out.write(json.dumps(row) + "\n")


@run(".log", "ten clients train apart and are averaged each round; the loss of the average falls")
def fresh_clients(path):
    x, y, vx, vy = digits()
    whole = mlp(64, 32, 10)
    parts = torch.arange(len(x)).chunk(10)
    with open(path, "w") as out:
        for turn in range(1, 41):
            states, losses = [], []
            for part in parts:
                net = copy.deepcopy(whole)
                optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
                for _ in range(3):
                    loss = F.cross_entropy(net(x[part]), y[part])
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                states.append(net.state_dict())
                losses.append(loss.item())
            whole.load_state_dict({k: torch.stack([s[k] for s in states]).mean(0) for k in states[0]})
            with torch.no_grad():
                pred = whole(vx)
            out.write(f"round {turn}/40 | client loss {np.mean(losses):.4f} | eval loss {F.cross_entropy(pred, vy):.4f} "
                      f"| eval accuracy {accuracy(pred, vy):.3f}\n")


@run("", "the head alone for a while, then all layers at a smaller rate: a small bump where the body joins in")
def fresh_unfrozen(path):
    x, y, vx, vy = digits()
    first, second = x[y < 5], y[y < 5]
    body, head = mlp(64, 64, 48), nn.Linear(48, 5)
    optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=2e-3)
    for _ in range(8):
        for bx, by in batches(first, second, 32):
            loss = F.cross_entropy(head(F.relu(body(bx))), by)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    head, board = nn.Linear(48, 10), SummaryWriter(path)
    for epoch in range(24):
        if epoch in (0, 8):
            params = [*head.parameters()] if epoch == 0 else [*head.parameters(), *body.parameters()]
            optimizer = torch.optim.Adam(params, lr=3e-3 if epoch == 0 else 1e-3)
        sums = []
        for bx, by in batches(x, y, 32):
            loss = F.cross_entropy(head(F.relu(body(bx))), by)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            sums.append(loss.item())
        with torch.no_grad():
            pred = head(F.relu(body(vx)))
        board.add_scalar("Train/CrossEntropyLoss", np.mean(sums), epoch)
        board.add_scalar("Test/CrossEntropyLoss", F.cross_entropy(pred, vy).item(), epoch)
        board.add_scalar("Test/Top1", accuracy(pred, vy), epoch)
        board.add_scalar("optim/lr", optimizer.param_groups[0]["lr"], epoch)
    board.close()


@run(".csv", "two moons, three hundred full batches by a large momentum: the loss rings at first and settles")
def fresh_ringing(path):
    x, y, vx, vy = moons()
    net = mlp(2, 24, 1, act=nn.Tanh)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.3, momentum=0.97)
    with open(path, "w") as out:
        out.write("step,bce,bce_val\n")
        for step in range(300):
            loss = F.binary_cross_entropy_with_logits(net(x)[:, 0], y.float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                held = F.binary_cross_entropy_with_logits(net(vx)[:, 0], vy.float())
            out.write(f"{step},{loss.item():.6f},{held.item():.6f}\n")
