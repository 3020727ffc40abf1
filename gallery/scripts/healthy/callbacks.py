"""A learner with callbacks that leave a batch, or the whole fit, by exceptions of their own; a search for the rate before the training."""
import copy
import math

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class CancelFit(Exception):
    """Ends a fit."""


class CancelBatch(Exception):
    """Ends a batch."""


class RateFinder:
    def __init__(self, steps=60, low=1e-5, high=10.0):
        self.steps, self.low, self.high, self.n, self.best = steps, low, high, 0, math.inf

    def begin_batch(self, learner):
        for group in learner.optimizer.param_groups:
            group["lr"] = self.low * (self.high / self.low) ** (self.n / self.steps)

    def after_step(self, learner):
        self.n += 1
        self.best = min(self.best, learner.loss.item())
        if self.n >= self.steps or learner.loss > 4 * self.best:
            raise CancelFit


class Learner:
    def __init__(self, model, optimizer, loaders, callbacks=()):
        self.model, self.optimizer, self.loaders, self.callbacks = model, optimizer, loaders, callbacks

    def call(self, name):
        for callback in self.callbacks:
            getattr(callback, name, lambda _: None)(self)

    def one_batch(self, x, y):
        try:
            self.call("begin_batch")
            self.loss = nn.functional.cross_entropy(self.model(x), y)
            self.total += self.loss.item() / len(self.loader)
            if not self.model.training:
                raise CancelBatch
            self.loss.backward()
            self.optimizer.step()
            self.call("after_step")
            self.optimizer.zero_grad()
        except CancelBatch:
            pass

    def one_pass(self, in_train):
        self.model.train(in_train)
        self.loader, self.total = self.loaders[0 if in_train else 1], 0.0
        with torch.set_grad_enabled(in_train):
            for x, y in self.loader:
                self.one_batch(x, y)
        return self.total

    def fit(self, epochs):
        try:
            for epoch in range(epochs):
                print(f"epoch {epoch} loss {self.one_pass(True):.4f} val_loss {self.one_pass(False):.4f}")
        except CancelFit:
            print("left in epoch", epoch)


torch.manual_seed(0)
digits = load_digits()
order = torch.randperm(len(digits.target))
x, y = torch.tensor(digits.data, dtype=torch.float32)[order] / 16, torch.tensor(digits.target)[order]
loaders = DataLoader(TensorDataset(x[:1400], y[:1400]), 64, shuffle=True), DataLoader(TensorDataset(x[1400:], y[1400:]), 128)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
start = copy.deepcopy(model.state_dict())
Learner(model, torch.optim.Adam(model.parameters()), loaders, [RateFinder()]).fit(4)
model.load_state_dict(start)
Learner(model, torch.optim.Adam(model.parameters(), lr=2e-3), loaders).fit(8)
