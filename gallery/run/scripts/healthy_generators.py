"""Healthy runs: generative models and learnt representations, whose losses need not fall."""

import copy
import math

import torch
from data import digits, shapes
from record import run
from sklearn import datasets
from torch import nn
from torch.nn import functional as F
from torch.optim import lr_scheduler as schedules
from train import accuracy, epochs, mlp, score, steps


def moons(n=4000):
    x = torch.as_tensor(datasets.make_moons(n, noise=0.08, random_state=9)[0], dtype=torch.float32)
    return (x - x.mean(0)) / x.std(0)


@run("csv")
def autoencoder_digits(log):
    """an autoencoder with eight hidden numbers; the mean squared error falls to a floor"""
    (x, _), (u, _) = digits()
    model = mlp(64, 64, 8, 64, 64)

    def rebuild(model, x):
        return F.mse_loss(model(x), x)

    for s in epochs(model, (x,), torch.optim.Adam(model.parameters(), 2e-3), rebuild, epochs=50):
        log(epoch=s.epoch, loss=s.loss, val_loss=score(model, (u,), rebuild))


class Variational(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode, self.decode = mlp(64, 96, 16), mlp(8, 96, 64)

    def forward(self, x):
        mean, log_variance = self.encode(x).chunk(2, 1)
        z = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        kl = (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean() / 2
        return self.decode(z), kl


def evidence(model, x, beta=1.0):
    out, kl = model(x)
    recon = 4 * (out - x).square().sum(1).mean()
    return {"loss": recon + beta * kl, "recon": recon, "kl": kl}


@run("events")
def vae_digits(log):
    """a variational autoencoder: the divergence is far below the reconstruction, and rises while the sum falls"""
    (x, _), (u, _) = digits()
    model = Variational()
    for s in epochs(model, (x,), torch.optim.Adam(model.parameters(), 2e-3), evidence, epochs=60):
        log(s.epoch, {"loss/total": s.loss, "loss/recon": s.terms["recon"], "loss/kl": s.terms["kl"]})
        log(s.epoch, {"val_loss/total": score(model, (u,), evidence)})


@run("jsonl")
def vae_warmed_divergence(log):
    """the weight of the divergence is warmed up: its term falls from a peak, the sum first falls and then rises a little"""
    (x, _), (u, _) = digits()
    model, weight = Variational(), [0.0]

    def warmed(model, x):
        return evidence(model, x, weight[0])

    optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
    for s in steps(model, (x,), optimizer, warmed, limit=1500):
        weight[0] = min(1.0, s.index / 900)
        if s.index % 10 == 0:
            log(step=s.index, loss=s.loss, rec_loss=s.terms["recon"], kld=s.terms["kl"], beta=weight[0])
        if s.index % 100 == 99:
            log(step=s.index, val_rec_loss=evidence(model, u)["recon"].item())


class Coupling(nn.Module):
    """Affine couplings on the plane (Dinh, Sohl-Dickstein and Bengio 2017)."""

    def __init__(self, depth=6):
        super().__init__()
        self.nets = nn.ModuleList(mlp(1, 32, 2) for _ in range(depth))

    def forward(self, x):
        total = torch.zeros(len(x))
        for net in self.nets:
            a, b = x[:, :1], x[:, 1:]
            scale, shift = net(a).chunk(2, 1)
            x = torch.cat([b * scale.tanh().exp() + shift, a], 1)
            total = total + scale.tanh().sum(1)
        return x, total


@run("csv")
def flow_moons(log):
    """a normalizing flow on points of small spread: the negative log likelihood is below zero and falls"""
    x = moons() * 0.2
    model = Coupling()

    def likelihood(model, x):
        z, log_volume = model(x)
        return (z.square().sum(1) / 2 + math.log(2 * math.pi) - log_volume).mean()

    for s in steps(model, (x[:3000],), torch.optim.Adam(model.parameters(), 1e-3), likelihood, limit=1500, size=128):
        if s.index % 5 == 0:
            log(step=s.index, nll=s.loss)
        if s.index % 50 == 49:
            log(step=s.index, val_nll=score(model, (x[3000:],), likelihood))


@run("text")
def gan_moons(log):
    """two losses that play against each other and do not fall"""
    x = moons()
    g, d = mlp(4, 64, 64, 2, act=nn.LeakyReLU), mlp(2, 64, 64, 1, act=nn.LeakyReLU)
    og, od = (torch.optim.Adam(m.parameters(), 5e-4, betas=(0.5, 0.999)) for m in (g, d))
    for epoch in range(30):
        for batch, real in enumerate(x[torch.randperm(len(x))].split(100)):
            fake = g(torch.randn(100, 4))
            d_loss = (F.softplus(-d(real)).mean() + F.softplus(d(fake.detach())).mean()) / 2
            od.zero_grad()
            d_loss.backward()
            od.step()
            g_loss = F.softplus(-d(fake)).mean()
            og.zero_grad()
            g_loss.backward()
            og.step()
            if batch % 10 == 0:
                log(f"[Epoch {epoch}/30] [Batch {batch}/40] [D loss: {d_loss.item():.6f}] [G loss: {g_loss.item():.6f}]")


@run("csv")
def wasserstein_gan(log):
    """a critic with gradient penalty: its loss is negative and goes to zero from below; the loss of the generator wanders"""
    x = moons()
    g, d = mlp(4, 64, 64, 2), mlp(2, 64, 64, 1)
    og, od = (torch.optim.Adam(m.parameters(), 1e-4, betas=(0.0, 0.9)) for m in (g, d))
    for step in range(3000):
        real, fake = x[torch.randint(len(x), (128,))], g(torch.randn(128, 4)).detach()
        between = torch.lerp(real, fake, torch.rand(128, 1)).requires_grad_()
        [slope] = torch.autograd.grad(d(between).sum(), between, create_graph=True)
        penalty = 10 * (slope.norm(dim=1) - 1).square().mean()
        critic = d(fake).mean() - d(real).mean()
        od.zero_grad()
        (critic + penalty).backward()
        od.step()
        if step % 5 == 4:
            g_loss = -d(g(torch.randn(128, 4))).mean()
            og.zero_grad()
            g_loss.backward()
            og.step()
            if step % 10 == 9:
                log(
                    step=step,
                    critic_loss=(critic + penalty).item(),
                    generator_loss=g_loss.item(),
                    gradient_penalty=penalty.item(),
                )


@run("jsonl")
def diffusion_moons(log):
    """a diffusion model: the loss falls in the first hundredth and is flat and noisy from there, while samples improve"""
    x = moons()
    model = mlp(3, 96, 96, 2, act=nn.SiLU)

    def denoise(model, x):
        t, noise = torch.rand(len(x), 1), torch.randn_like(x)
        keep = torch.cos(t * math.pi / 2)
        return F.mse_loss(model(torch.cat([keep * x + (1 - keep.square()).sqrt() * noise, t], 1)), noise)

    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    for s in steps(model, (x,), optimizer, denoise, limit=6000, size=128):
        if s.index % 10 == 0:
            log({"step": s.index, "loss": s.loss, "lr": s.lr})


@run("csv")
def denoising_pictures(log):
    """take the noise off synthetic pictures: logged once an epoch as loss and peak signal to noise"""
    train, val = ((part[0],) for part in shapes(noise=0.0))
    model = nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 1, 3, padding=1),
    )

    def clean(model, x):
        return F.mse_loss(model(x + 0.5 * torch.randn_like(x)), x)

    for s in epochs(model, train, torch.optim.Adam(model.parameters(), 1e-3), clean, epochs=20):
        loss = score(model, val, clean)
        log(epoch=s.epoch, loss=s.loss, val_loss=loss, val_psnr=-10 * math.log10(loss))


def augmented(x):
    """Digits with noise, one pixel shifted."""
    pictures = x.view(-1, 8, 8)
    return pictures.roll(int(torch.randint(-1, 2, ())), 2).flatten(1) + 0.3 * torch.randn_like(x)


@run("csv")
def contrastive_digits(log):
    """InfoNCE over pairs of augmented digits: from ln 127 to a floor far above zero"""
    (x, _), (u, _) = digits()
    model = mlp(64, 128, 32)

    def info_nce(model, x):
        a, b = (F.normalize(model(augmented(x)), dim=1) for _ in range(2))
        return F.cross_entropy(a @ b.T / 0.2, torch.arange(len(x)))

    for s in epochs(model, (x,), torch.optim.Adam(model.parameters(), 1e-3), info_nce, epochs=60, size=128):
        log(epoch=s.epoch, contrastive_loss=s.loss, val_contrastive_loss=score(model, (u[:128],), info_nce))


@run("csv")
def triplet_digits(log):
    """the hardest triplets of each batch: the loss hovers near the margin for long, then falls slowly"""
    train, val = digits()
    model = mlp(64, 128, 16)

    def hardest(model, x, y):
        z = F.normalize(model(x), dim=1)
        far, same = torch.cdist(z, z + 1e-6), y[:, None] == y[None]
        return F.relu(far.masked_fill(~same, -1).amax(1) - far.masked_fill(same, 9).amin(1) + 0.3).mean()

    for s in steps(model, train, torch.optim.SGD(model.parameters(), 0.02), hardest, limit=1500):
        if s.index % 5 == 0:
            log(iteration=s.index, triplet_loss=s.loss)
        if s.index % 100 == 99:
            log(iteration=s.index, val_triplet_loss=score(model, val, hardest))


@run("jsonl")
def bootstrap_latent(log):
    """two views and a slow copy of the net (BYOL): the loss falls at once, and rises again while the features get better"""
    train, val = digits()
    online, predictor = mlp(64, 128, 32), mlp(32, 64, 32)
    target, probe = copy.deepcopy(online), nn.Linear(32, 10)
    model = nn.ModuleList([online, predictor])

    def follow(model, x, _):
        return 2 - 2 * F.cosine_similarity(predictor(online(augmented(x))), target(augmented(x)).detach(), dim=1).mean()

    fit = torch.optim.Adam(probe.parameters(), 1e-2)
    for s in steps(model, train, torch.optim.Adam(model.parameters(), 5e-4), follow, limit=1500, size=128):
        with torch.no_grad():
            for slow, fast in zip(target.parameters(), online.parameters()):
                slow.lerp_(fast, 0.01)
        if s.index % 10 == 0:
            fit.zero_grad()
            F.cross_entropy(probe(online(train[0]).detach()), train[1]).backward()
            fit.step()
            log({"step": s.index, "byol_loss": s.loss, "probe_acc": accuracy(nn.Sequential(online, probe), val)})


@run("events")
def mixture_density(log):
    """a mixture density net for a curve with several branches: the loss is a negative log likelihood that crosses zero"""
    y = torch.rand(3000, 1) * 2 - 1
    x = y + 0.3 * torch.sin(2 * math.pi * y) + 0.02 * torch.randn_like(y)
    train, val = (x[:2200], y[:2200]), (x[2200:], y[2200:])
    model = mlp(1, 48, 12, act=nn.Tanh)

    def mixture(model, x, y):
        share, mean, log_scale = model(x).chunk(3, 1)
        normal = -((y - mean) / log_scale.exp()).square() / 2 - log_scale - math.log(2 * math.pi) / 2
        return -torch.logsumexp(F.log_softmax(share, 1) + normal, 1).mean()

    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    schedule = schedules.CosineAnnealingLR(optimizer, 40 * 35)
    for s in epochs(model, train, optimizer, mixture, epochs=40, schedule=schedule):
        log(s.epoch, {"train/nll": s.loss, "valid/nll": score(model, val, mixture), "lr": s.lr})
