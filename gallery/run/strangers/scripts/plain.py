"""Scripts with plain `key=value` lines, tab-separated columns or a bare CSV, in numpy, scikit-learn or PyTorch."""

import numpy as np
import torch
import torch.nn.functional as F
from sklearn import datasets, linear_model, metrics, neural_network

from kit import accuracy, batches, cancer, classes, diabetes, digits, endless, mlp, run


def line(out, step, **values):
    out.write(f"step={step} " + " ".join(f"{k}={v:.6g}" for k, v in values.items()) + "\n")


def regression(n=400, d=10, noise=0.3, seed=0):
    r = np.random.RandomState(seed)
    x = r.randn(n, d)
    return x, x @ r.randn(d) + noise * r.randn(n)


@run(".log", "linear regression by stochastic descent with one row at a time, in numpy, each step printed")
def plain_one_row(path):
    x, y = regression()
    w = np.zeros(10)
    with open(path, "w") as out:
        for step in range(1500):
            i = np.random.randint(len(x))
            error = x[i] @ w - y[i]
            w -= 0.01 * error * x[i]
            line(out, step, loss=0.5 * error**2)


@run(".log", "20 steps of full-batch descent with momentum: a short and steep curve")
def plain_twenty_steps(path):
    x, y, vx, vy = digits()
    model = mlp(64, 32, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    with open(path, "w") as out:
        for step in range(20):
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            line(out, step, loss=loss.item(), val_loss=F.cross_entropy(model(vx), vy).item())


@run(".csv", "5,000 steps of averaged descent on a noisy line, converged after 500: flat noise for nine tenths")
def plain_five_thousand(path):
    x, y = regression(4000, noise=1.0)
    w = np.zeros(10)
    with open(path, "w") as out:
        out.write("step,loss\n")
        for step in range(5000):
            rows = np.random.randint(0, len(x), 32)
            error = x[rows] @ w - y[rows]
            w -= 0.01 * x[rows].T @ error / 32
            out.write(f"{step},{np.mean(error**2):.5f}\n")


@run(".log", "scikit-learn's SGDClassifier by partial_fit, logistic loss, a line an epoch")
def plain_partial_fit(path):
    x, y, vx, vy = [t.numpy() for t in cancer()]
    model = linear_model.SGDClassifier(loss="log_loss", eta0=0.002, learning_rate="constant", random_state=0)
    with open(path, "w") as out:
        for epoch in range(40):
            model.partial_fit(x, y, [0, 1])
            out.write(f"epoch={epoch} train_loss={metrics.log_loss(y, model.predict_proba(x)):.5f} "
                      f"val_loss={metrics.log_loss(vy, model.predict_proba(vx)):.5f} val_acc={model.score(vx, vy):.4f}\n")


@run(".tsv", "scikit-learn's MLPClassifier by partial_fit on the digits, tab-separated")
def plain_mlp_classifier(path):
    x, y, vx, vy = [t.numpy() for t in digits()]
    model = neural_network.MLPClassifier((50,), random_state=1, learning_rate_init=2e-3)
    with open(path, "w") as out:
        out.write("epoch\tloss\tval_score\n")
        for epoch in range(50):
            model.partial_fit(x, y, classes=np.arange(10))
            out.write(f"{epoch}\t{model.loss_:.5f}\t{model.score(vx, vy):.4f}\n")


@run(".log", "matrix factorisation of made-up ratings: rmse of train and test fall, test levels off", may="overfitting-run")
def plain_ratings(path):
    r = np.random.RandomState(0)
    true = r.randn(60, 4) @ r.randn(4, 80)
    seen = r.rand(60, 80) < 0.4
    noisy = true + 0.3 * r.randn(60, 80)
    a, b = 0.1 * r.randn(60, 4), 0.1 * r.randn(80, 4)
    with open(path, "w") as out:
        for epoch in range(60):
            for i, j in r.permutation(np.argwhere(seen)):
                error = noisy[i, j] - a[i] @ b[j]
                a[i], b[j] = a[i] + 0.02 * (error * b[j] - 0.05 * a[i]), b[j] + 0.02 * (error * a[i] - 0.05 * b[j])
            miss = (noisy - a @ b.T) ** 2
            out.write(f"epoch {epoch}: train_rmse {miss[seen].mean() ** 0.5:.4f}, test_rmse {miss[~seen].mean() ** 0.5:.4f}\n")


@run(".csv", "L-BFGS for a logistic regression: reaches its minimum and stays to many digits")
def plain_lbfgs(path):
    x, y, vx, vy = cancer()
    model = torch.nn.Linear(30, 2)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=2)

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y) + 0.02 * (model.weight**2).sum()
        loss.backward()
        return loss

    with open(path, "w") as out:
        out.write("iteration,loss,test_loss\n")
        for i in range(40):
            loss = optimizer.step(closure)
            out.write(f"{i},{loss.item():.8f},{F.cross_entropy(model(vx), vy).item():.8f}\n")


def descend(path, x, y, rate, steps, momentum=0.0, batch=None):
    """Least squares, written out."""
    w, v = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    with open(path, "w") as out:
        for step in range(steps):
            rows = slice(None) if batch is None else np.random.randint(0, len(x), batch)
            error = x[rows] @ w - y[rows]
            v = momentum * v - rate * 2 * x[rows].T @ error / len(error)
            w = w + v
            line(out, step, loss=np.mean(error**2), grad_norm=np.linalg.norm(2 * x[rows].T @ error / len(error)), lr=rate)


@run(".log", "a step just beyond what the largest curvature allows: the loss grows by a factor a step", "loss-diverging",
     "learning-rate-extreme exploding-gradient loss-oscillating no-validation")
def plain_beyond_curvature(path):
    x, y = regression()
    descend(path, x, y, 0.86, 70)


@run(".log", "raw columns from hundredths to thousands in one logistic regression: the loss is 1 at one step and 100 at the next",
     "loss-oscillating", "learning-rate-extreme loss-spike exploding-gradient no-validation loss-plateau loss-not-decreasing")
def plain_zigzag(path):
    x, y = datasets.load_breast_cancer(return_X_y=True)
    x, y = torch.tensor(x / 100, dtype=torch.float32), torch.tensor(y)
    model = torch.nn.Linear(30, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=3.0)
    with open(path, "w") as out:
        for step, (bx, by) in zip(range(300), endless(x, y, 64)):
            loss = F.cross_entropy(model(bx), by)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            line(out, step, loss=loss.item(), lr=3.0)


@run(".log", "the gradient is added to weights that are thrown away: the loss is noise about 9.8 from start to end",
     "loss-not-decreasing", "loss-at-chance underfitting-run loss-plateau no-validation unchanged-parameters")
def plain_thrown_away(path):
    x, y = regression()
    w = np.zeros(10)
    with open(path, "w") as out:
        for step in range(0, 2000):
            rows = np.random.randint(0, len(x), 16)
            error = x[rows] @ w - y[rows]
            new = w - 0.01 * x[rows].T @ error
            del new
            if step % 5 == 0:
                line(out, step, loss=np.mean(error**2))


@run(".log", "three rows of 3,000 were entered in other units: single steps a hundred times above the rest", "loss-spike",
     "no-validation exploding-gradient")
def plain_other_units(path):
    x, y = regression(3000)
    y = y.copy()
    y[[700, 1500, 2600]] = 150.0
    w = np.zeros(10)
    with open(path, "w") as out:
        for step in range(375):
            rows = slice(8 * step, 8 * step + 8)
            error = x[rows] @ w - y[rows]
            w -= 0.03 * np.clip(x[rows].T @ error / 8, -3, 3)
            line(out, step, loss=np.mean(error**2))


@run(".csv", "ten epochs' worth of steps and never a look at held-out data", "no-validation")
def plain_no_validation(path):
    x, y, _, _ = classes(3000, n_features=20, n_informative=8)
    model = mlp(20, 32, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    stream = endless(x, y, 32)
    with open(path, "w") as out:
        out.write("step,loss,accuracy\n")
        for step in range(700):
            bx, by = next(stream)
            pred = model(bx)
            loss = F.cross_entropy(pred, by)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 10 == 0:
                out.write(f"{step},{loss.item():.5f},{accuracy(pred, by):.4f}\n")


@run(".log", "a sigmoid as output for a target of either sign: a short fall, then flat far above what is possible, rate unchanged",
     "loss-plateau", "underfitting-run saturated-activations loss-at-chance loss-not-decreasing")
def plain_output_cut_off(path):
    x, y, vx, vy = diabetes()
    model = mlp(10, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    predict = lambda x: torch.sigmoid(model(x)[:, 0])
    with open(path, "w") as out:
        for epoch in range(80):
            for bx, by in batches(x, y, 16):
                loss = F.mse_loss(predict(bx), by)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            out.write(f"epoch={epoch} lr=0.01 train_loss={F.mse_loss(predict(x), y).item():.5f} "
                      f"val_loss={F.mse_loss(predict(vx), vy).item():.5f}\n")
