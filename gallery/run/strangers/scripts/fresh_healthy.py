"""Second hold-out, healthy: classical models and what they print, factorisation, densities, graphs, forecasts."""

import contextlib
import csv
import io
import json

import numpy as np
import torch
import torch.nn.functional as F
from sklearn import datasets, ensemble, linear_model, neural_network
from torch import nn

from kit import batches, cancer, diabetes, digits, mlp, run


def printed(path, fit):
    """Runs `fit` and writes what it prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        fit()
    path.write_text(out.getvalue())


@run(".log", "softmax regression on the irises in numpy, full batches, one line every 20 iterations")
def fresh_irises(path):
    x, y = datasets.load_iris(return_X_y=True)
    x, onehot, w, b = (x - x.mean(0)) / x.std(0), np.eye(3)[y], np.zeros((4, 3)), np.zeros(3)
    with open(path, "w") as out:
        for it in range(0, 1201):
            z = x @ w + b
            p = np.exp(z - z.max(1, keepdims=True))
            p /= p.sum(1, keepdims=True)
            if it % 20 == 0:
                out.write(f"it {it:5d} | cost {-np.log(p[range(150), y]).mean():.5f} | acc {(p.argmax(1) == y).mean():.3f}\n")
            w -= 0.3 * x.T @ (p - onehot) / 150
            b -= 0.3 * (p - onehot).mean(0)


@run(".log", "what scikit-learn's MLPClassifier prints with verbose=True on the digits", may="no-validation")
def fresh_sklearn_network(path):
    x, y = datasets.load_digits(return_X_y=True)
    net = neural_network.MLPClassifier((40,), max_iter=60, verbose=True, random_state=1)
    printed(path, lambda: net.fit(x / 16, y))


@run(".log", "what scikit-learn's SGDClassifier prints with verbose=1, two classes", may="no-validation loss-plateau")
def fresh_sklearn_descent(path):
    x, y, _, _ = cancer()
    model = linear_model.SGDClassifier(loss="log_loss", verbose=1, alpha=1e-3, max_iter=60, tol=None, random_state=2)
    printed(path, lambda: model.fit(x.numpy(), y.numpy()))


@run(".log", "the table that gradient boosting of scikit-learn prints, deviance by round", may="no-validation")
def fresh_boosting_table(path):
    x, y, _, _ = diabetes()
    model = ensemble.GradientBoostingRegressor(n_estimators=300, learning_rate=0.05, max_depth=2, verbose=2, random_state=3)
    printed(path, lambda: model.fit(x.numpy(), y.numpy()))


@run(".log", "a restricted Boltzmann machine of scikit-learn: pseudo-likelihoods, which are negative and rise", may="no-validation")
def fresh_boltzmann(path):
    x, _ = datasets.load_digits(return_X_y=True)
    model = neural_network.BernoulliRBM(64, learning_rate=0.05, n_iter=40, verbose=1, random_state=4)
    printed(path, lambda: model.fit(x / 16))


@run(".log", "ratings factorised by descent: errors on known and on held-out ratings fall together, then level off",
     may="loss-plateau overfitting-run")
def fresh_ratings(path):
    r = np.random.RandomState(5)
    users, items = r.randn(200, 4), r.randn(120, 4)
    u, i = r.randint(0, 200, 9000), r.randint(0, 120, 9000)
    rating = (users[u] * items[i]).sum(1) + 0.5 * r.randn(9000)
    p, q = 0.1 * r.randn(200, 4), 0.1 * r.randn(120, 4)

    def error(rows):
        return np.sqrt(np.mean((rating[rows] - (p[u[rows]] * q[i[rows]]).sum(1)) ** 2))

    with open(path, "w") as out:
        for sweep in range(1, 41):
            for n in r.permutation(7500):
                e, pu = rating[n] - p[u[n]] @ q[i[n]], p[u[n]].copy()
                p[u[n]] += 0.02 * (e * q[i[n]] - 0.05 * pu)
                q[i[n]] += 0.02 * (e * pu - 0.05 * q[i[n]])
            out.write(f"sweep {sweep}: rmse train {error(slice(0, 7500)):.4f}, rmse valid {error(slice(7500, None)):.4f}\n")


class Coupling(nn.Module):
    """One affine coupling of two numbers."""

    def __init__(self, flip):
        super().__init__()
        self.net, self.flip = mlp(1, 32, 2, act=nn.Tanh), flip

    def forward(self, x):
        x = x.flip(1) if self.flip else x
        scale, shift = self.net(x[:, :1]).chunk(2, 1)
        scale = torch.tanh(scale)
        return torch.cat([x[:, :1], x[:, 1:] * scale.exp() + shift], 1), scale[:, 0]


@run(".csv", "a flow on two narrow rings: the negative log-likelihood goes below zero and on")
def fresh_flow(path):
    x = torch.tensor(datasets.make_moons(1500, noise=0.03, random_state=6)[0], dtype=torch.float32) * 0.4
    flow = nn.ModuleList([Coupling(i % 2) for i in range(6)])
    optimizer = torch.optim.Adam(flow.parameters(), lr=2e-3)

    def nll(z):
        total = 0
        for layer in flow:
            z, log = layer(z)
            total = total + log
        return (0.5 * (z**2).sum(1) + 1.838 - total).mean()

    with open(path, "w") as out:
        out.write("iteration;train_nll;valid_nll\n")
        for it in range(600):
            rows = torch.randint(0, 1200, (256,))
            loss = nll(x[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if it % 5 == 0:
                with torch.no_grad():
                    out.write(f"{it};{loss.item():.4f};{nll(x[1200:]).item():.4f}\n")


@run(".jsonl", "counts by a Poisson model: likelihood without its constant, so that it is negative")
def fresh_counts(path):
    r = np.random.RandomState(7)
    x = torch.tensor(r.randn(3000, 6), dtype=torch.float32)
    y = torch.tensor(r.poisson(np.exp(0.5 + x.numpy() @ np.array([0.4, -0.3, 0.2, 0, 0.1, 0.3])))).float()
    net = mlp(6, 32, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    with open(path, "w") as out:
        for epoch in range(30):
            sums = []
            for bx, by in batches(x[:2400], y[:2400], 64):
                loss = F.poisson_nll_loss(net(bx)[:, 0], by)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                sums.append(loss.item())
            with torch.no_grad():
                held = F.poisson_nll_loss(net(x[2400:])[:, 0], y[2400:]).item()
            out.write(json.dumps({"epoch": epoch, "poisson_loss": np.mean(sums), "valid_poisson_loss": held}) + "\n")


@run(".log", "three quantiles at once by the pinball loss", may="loss-plateau")
def fresh_quantiles(path):
    x, y, vx, vy = diabetes()
    levels = torch.tensor([0.1, 0.5, 0.9])
    net = mlp(10, 16, 3)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.1)

    def pinball(out, target):
        e = target[:, None] - out
        return torch.maximum(levels * e, (levels - 1) * e).mean()

    with open(path, "w") as out:
        for epoch in range(40):
            sums = [0.0]
            for bx, by in batches(x, y, 32):
                loss = pinball(net(bx), by)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                sums.append(loss.item())
            out.write(f"Epoch={epoch:03d} TrainLoss={np.mean(sums[1:]):.4f} ValidLoss={pinball(net(vx), vy).item():.4f}\n")


@run(".csv", "two communities told apart from a tenth of their labels through a graph, full batches with dropout")
def fresh_graph(path):
    r = np.random.RandomState(8)
    y = torch.tensor(r.randint(0, 2, 300))
    same = y[:, None] == y[None]
    links = torch.tensor(r.rand(300, 300)) < torch.where(same, 0.08, 0.01)
    a = ((links | links.T).float() + torch.eye(300)).clamp(max=1)
    a = a / a.sum(1, keepdim=True)
    x = torch.tensor(r.randn(300, 16), dtype=torch.float32) + 0.4 * y[:, None]
    first, second = nn.Linear(16, 16), nn.Linear(16, 2)
    optimizer = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=1e-2, weight_decay=5e-3)
    known, held = torch.arange(60), torch.arange(60, 180)
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["epoch", "loss/known", "loss/val", "acc/known", "acc/val"])
        for epoch in range(120):
            h = F.dropout(F.relu(a @ first(x)), 0.5)
            loss = F.cross_entropy((a @ second(h))[known], y[known])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                z = a @ second(F.relu(a @ first(x)))
            scores = [(z[p].argmax(1) == y[p]).float().mean().item() for p in (known, held)]
            out.writerow([epoch, loss.item(), F.cross_entropy(z[held], y[held]).item(), *scores])


@run(".log", "the next value of a noisy wave by an LSTM, the rate cut when validation stalls")
def fresh_forecast(path):
    t = torch.arange(1600) * 0.1
    wave = torch.sin(t) + 0.5 * torch.sin(2.3 * t) + 0.05 * torch.randn(1600)
    x = wave.unfold(0, 25, 1)[:, :, None]
    net, head = nn.LSTM(1, 24, batch_first=True), nn.Linear(24, 1)
    optimizer = torch.optim.Adam([*net.parameters(), *head.parameters()], lr=5e-3)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=2, factor=0.3)

    def loss_of(rows):
        return F.mse_loss(head(net(rows[:, :-1])[0][:, -1]), rows[:, -1])

    with open(path, "w") as out:
        for epoch in range(1, 31):
            sums = []
            for rows, _ in batches(x[:1250], x[:1250], 50):
                loss = loss_of(rows)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                sums.append(loss.item())
            with torch.no_grad():
                held = loss_of(x[1250:]).item()
            schedule.step(held)
            rate = optimizer.param_groups[0]["lr"]
            out.write(f"[{epoch:2d}/30] mse {np.mean(sums):.5f} | val_mse {held:.5f} | lr {rate:.2e}\n")


@run(".jsonl", "a line search by L-BFGS: 25 steps from 2.3 to a thousandth", may="no-validation")
def fresh_second_order(path):
    x, y, _, _ = digits()
    model = mlp(64, 24, 10, act=nn.Tanh)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=1.0, max_iter=4, line_search_fn="strong_wolfe")
    with open(path, "w") as out:
        for step in range(25):

            def closure():
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                loss.backward()
                return loss

            out.write(json.dumps({"step": step, "objective": optimizer.step(closure).item()}) + "\n")
