"""People who write to TensorBoard: generators, agents, and others whose losses are not meant to fall."""

import math
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from kit import accuracy, batches, classes, digits, endless, mlp, run


@contextmanager
def board(path):
    """A SummaryWriter whose file has a name that tells nothing of the machine."""
    writer = SummaryWriter(path)
    yield writer
    writer.close()
    for file in path.glob("events.out.tfevents.*"):
        file.rename(path / "events.out.tfevents.1700000000.host.1.0")


def step_of(optimizer, loss, clip=None):
    optimizer.zero_grad()
    loss.backward()
    parameters = [p for g in optimizer.param_groups for p in g["params"]]
    norm = nn.utils.clip_grad_norm_(parameters, clip or math.inf)
    optimizer.step()
    return norm.item()


@run("", "a generator against a discriminator on digits: both losses wander about their balance", may="no-validation")
def board_gan(path):
    x, y, _, _ = digits()
    make, judge = mlp(16, 64, 64), mlp(64, 64, 1, act=nn.LeakyReLU)
    g = torch.optim.Adam(make.parameters(), lr=2e-4, betas=(0.5, 0.999))
    d = torch.optim.Adam(judge.parameters(), lr=2e-4, betas=(0.5, 0.999))
    stream = endless(x, y, 32)
    with board(path) as out:
        for step in range(1500):
            real, fake = next(stream)[0], torch.sigmoid(make(torch.randn(32, 16)))
            a, b = judge(real + 0.1 * torch.randn_like(real)), judge(fake.detach() + 0.1 * torch.randn_like(real))
            loss_d = F.binary_cross_entropy_with_logits(a, torch.ones_like(a) * 0.9) + F.binary_cross_entropy_with_logits(
                b, torch.zeros_like(b))
            step_of(d, loss_d)
            c = judge(fake)
            loss_g = F.binary_cross_entropy_with_logits(c, torch.ones_like(c))
            step_of(g, loss_g)
            if step % 5 == 0:
                out.add_scalar("Loss/D", loss_d.item(), step)
                out.add_scalar("Loss/G", loss_g.item(), step)
                out.add_scalar("D(x)", torch.sigmoid(a).mean().item(), step)


@run("", "a critic with clipped weights: its loss is negative and comes up to zero, the generator's drifts", may="no-validation")
def board_critic(path):
    x, y, _, _ = digits()
    make, judge = mlp(16, 64, 64), mlp(64, 64, 1)
    g, d = torch.optim.RMSprop(make.parameters(), lr=2e-4), torch.optim.RMSprop(judge.parameters(), lr=2e-4)
    stream = endless(x, y, 32)
    with board(path) as out:
        for step in range(800):
            for _ in range(3):
                loss_d = judge(torch.sigmoid(make(torch.randn(32, 16))).detach()).mean() - judge(next(stream)[0]).mean()
                step_of(d, loss_d)
                with torch.no_grad():
                    for p in judge.parameters():
                        p.clamp_(-0.05, 0.05)
            loss_g = -judge(torch.sigmoid(make(torch.randn(32, 16)))).mean()
            step_of(g, loss_g)
            if step % 4 == 0:
                out.add_scalar("critic_loss", loss_d.item(), step)
                out.add_scalar("generator_loss", loss_g.item(), step)


@run("", "a variational autoencoder; the weight of the KL grows over the first half, so the total rises for a while",
     may="overfitting-run")
def board_annealed(path):
    x, y, vx, _ = digits()
    enc, dec = mlp(64, 64, 16), mlp(8, 64, 64)
    optimizer = torch.optim.Adam([*enc.parameters(), *dec.parameters()], lr=1e-3)

    def terms(x):
        mean, logvar = enc(x).chunk(2, 1)
        out = dec(mean + torch.exp(logvar / 2) * torch.randn_like(mean))
        return ((out - x) ** 2).sum(1).mean() * 4, 0.5 * (logvar.exp() + mean**2 - 1 - logvar).sum(1).mean()

    with board(path) as out:
        step = 0
        for epoch in range(25):
            for bx, _ in batches(x, x, 32):
                weight = min(1.0, step / 500)
                rec, kl = terms(bx)
                step_of(optimizer, rec + weight * kl)
                if step % 10 == 0:
                    for k, v in {"train/loss": rec + weight * kl, "train/rec": rec, "train/kl": kl, "beta": weight}.items():
                        out.add_scalar(k, float(torch.as_tensor(v).detach()), step)
                step += 1
            rec, kl = terms(vx)
            out.add_scalar("val/rec", rec.item(), step)
            out.add_scalar("val/kl", kl.item(), step)


@run("", "the same critic with its weights free: its loss runs to minus millions and the norm of its gradients grows all the way",
     "exploding-gradient", "loss-diverging no-validation loss-terms-unbalanced learning-rate-extreme")
def board_free_critic(path):
    x, y, _, _ = digits()
    make, judge = mlp(16, 64, 64), mlp(64, 64, 64, 1)
    g, d = torch.optim.Adam(make.parameters(), lr=1e-4), torch.optim.Adam(judge.parameters(), lr=3e-3)
    stream = endless(x, y, 32)
    with board(path) as out:
        for step in range(700):
            loss_d = judge(torch.sigmoid(make(torch.randn(32, 16))).detach()).mean() - judge(next(stream)[0]).mean()
            norm = step_of(d, loss_d)
            loss_g = -judge(torch.sigmoid(make(torch.randn(32, 16)))).mean()
            step_of(g, loss_g)
            if step % 5 == 0:
                out.add_scalar("critic/loss", loss_d.item(), step)
                out.add_scalar("generator/loss", loss_g.item(), step)
                out.add_scalar("critic/grad_norm", norm, step)


class Corridor:
    """Walk right along 12 places; a slip in ten. The reward is at the end."""

    def __init__(self):
        self.at = 0

    def reset(self):
        self.at = 0
        return self.seen()

    def seen(self):
        return torch.eye(12)[self.at]

    def act(self, a):
        move = 1 if (a == 1) != (np.random.rand() < 0.1) else -1
        self.at = max(0, self.at + move)
        done = self.at >= 11
        self.at = min(self.at, 11)
        return self.seen(), (1.0 if done else -0.02), done


@run("", "deep Q-learning: the loss rises as values grow while the return of an episode improves", may="no-validation")
def board_q_learning(path):
    net, target, world = mlp(12, 32, 2), mlp(12, 32, 2), Corridor()
    target.load_state_dict(net.state_dict())
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    memory, s, total, age, episode = [], world.reset(), 0.0, 0, 0
    with board(path) as out:
        for step in range(2500):
            explore = max(0.05, 1 - step / 1200)
            a = np.random.randint(2) if np.random.rand() < explore else int(net(s).argmax())
            n, reward, done = world.act(a)
            memory.append((s, a, reward, n, done))
            s, total, age = n, total + reward, age + 1
            if done or age > 100:
                out.add_scalar("rollout/ep_rew_mean", total, step)
                out.add_scalar("rollout/ep_len_mean", age, step)
                s, total, age, episode = world.reset(), 0.0, 0, episode + 1
            if step > 100:
                ss, aa, rr, nn_, dd = zip(*[memory[i] for i in np.random.randint(0, len(memory), 32)])
                with torch.no_grad():
                    goal = torch.tensor(rr) + 0.97 * target(torch.stack(nn_)).max(1)[0] * ~torch.tensor(dd)
                q = net(torch.stack(ss))[torch.arange(32), torch.tensor(aa)]
                loss = F.smooth_l1_loss(q, goal)
                step_of(optimizer, loss)
                if step % 10 == 0:
                    out.add_scalar("train/loss", loss.item(), step)
                    out.add_scalar("train/q_mean", q.mean().item(), step)
                if step % 100 == 0:
                    target.load_state_dict(net.state_dict())


@run("", "a policy gradient: the loss has no trend and either sign, entropy falls, the return rises", may="no-validation")
def board_policy(path):
    net, world = mlp(12, 32, 2), Corridor()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    with board(path) as out:
        for episode in range(250):
            s, logs, rewards, entropy = world.reset(), [], [], 0.0
            for _ in range(60):
                p = torch.distributions.Categorical(logits=net(s))
                a = p.sample()
                s, reward, done = world.act(int(a))
                logs, entropy = [*logs, p.log_prob(a)], entropy + p.entropy().item()
                rewards.append(reward)
                if done:
                    break
            after = torch.tensor([sum(r * 0.97**k for k, r in enumerate(rewards[t:])) for t in range(len(rewards))])
            loss = -(torch.stack(logs) * (after - after.mean()) / (after.std() + 1e-3)).mean()
            step_of(optimizer, loss)
            out.add_scalar("losses/policy_loss", loss.item(), episode)
            out.add_scalar("losses/entropy", entropy / len(rewards), episode)
            out.add_scalar("charts/episodic_return", sum(rewards), episode)


def supervised(path, net, data, epochs, optimizer, schedule=None, loss_fn=F.cross_entropy, batch=32, each=None, every=5,
               names=("Loss/train", "Loss/val", "Accuracy/val"), clip=None, guard=False):
    """The usual loop; `each(out, step)` logs what is wanted between backward and step."""
    x, y, vx, vy = data
    with board(path) as out:
        step = 0
        for epoch in range(epochs):
            net.train()
            for bx, by in batches(x, y, batch):
                loss = loss_fn(net(bx), by)
                optimizer.zero_grad()
                loss.backward()
                norm = nn.utils.clip_grad_norm_(net.parameters(), clip or math.inf)
                if step % every == 0:
                    out.add_scalar(names[0], loss.item(), step)
                    out.add_scalar("grad_norm", norm.item(), step)
                    out.add_scalar("lr", optimizer.param_groups[0]["lr"], step)
                    if each:
                        each(out, step)
                if not guard or torch.isfinite(norm):
                    optimizer.step()
                if schedule:
                    schedule.step()
                step += 1
            net.eval()
            with torch.no_grad():
                pred = net(vx)
                out.add_scalar(names[1], loss_fn(pred, vy).item(), step)
                out.add_scalar(names[2], accuracy(pred, vy), step)


@run("", "one-cycle rate on the digits with momentum")
def board_one_cycle(path):
    net = mlp(64, 64, 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.3, total_steps=15 * 42)
    supervised(path, net, digits(), 15, optimizer, schedule)


@run("", "triangular cyclic rate; loss and norm breathe with it", may="overfitting-run")
def board_cyclic(path):
    net = mlp(20, 32, 3)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CyclicLR(optimizer, 0.005, 0.1, step_size_up=100)
    data = classes(3000, n_features=20, n_informative=10, n_classes=3, flip_y=0.05)
    supervised(path, net, data, 20, optimizer, schedule, batch=64, names=("train_loss", "valid_loss", "valid_acc"))


@run("", "batch of one row and a small rate: the loss of a step is anything between 0 and 5", may="exploding-gradient")
def board_batch_of_one(path):
    net = nn.Linear(64, 10)
    supervised(path, net, digits(), 2, torch.optim.SGD(net.parameters(), lr=0.02), batch=1, every=2)


@run("", "a standard deviation of equal numbers in an extra term: the loss is a number, each gradient norm is nan; such steps are left "
     "out, so nothing is learnt", "non-finite-gradient",
     "loss-not-decreasing loss-at-chance unchanged-parameters loss-plateau underfitting-run")
def board_deviation_of_equals(path):
    net = mlp(64, 64, 10)

    def loss_fn(pred, y):
        return F.cross_entropy(pred, y) + 0.1 * (pred * 0 + 1).var(1).sqrt().mean()

    supervised(path, net, digits(), 8, torch.optim.SGD(net.parameters(), lr=0.1), loss_fn=loss_fn, guard=True)


@run("", "Adam at 5.0: one burst to 1,000, then chance to the end", "learning-rate-extreme",
     "loss-oscillating loss-not-decreasing loss-spike loss-at-chance exploding-gradient loss-plateau loss-diverging class-collapse")
def board_rate_of_five(path):
    net = mlp(64, 64, 10)
    supervised(path, net, digits(), 8, torch.optim.Adam(net.parameters(), lr=5.0))


@run("", "the norm of the gradients is limited to 0.005 and both are drawn: the limit binds at each step", "clipping-always",
     "underfitting-run loss-plateau loss-not-decreasing")
def board_limit(path):
    net = mlp(64, 64, 10)

    def each(out, step):
        after = math.sqrt(sum(float((p.grad**2).sum()) for p in net.parameters()))
        out.add_scalar("grad_norm_after_clip", after, step)
        out.add_scalar("clip_value", 0.005, step)

    supervised(path, net, digits(), 12, torch.optim.SGD(net.parameters(), lr=0.1), each=each, clip=0.005)
