"""Iris with momentum, one function per thing."""
import torch
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler
from torch import nn


def get_data():
    bunch = load_iris()
    x = torch.tensor(StandardScaler().fit_transform(bunch.data), dtype=torch.float32)
    y = torch.tensor(bunch.target)
    order = torch.randperm(150)
    return x[order[:120]], y[order[:120]], x[order[120:]], y[order[120:]]


def get_model():
    model = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 3))
    return model, torch.optim.SGD(model.parameters(), lr=30.0, momentum=0.9)


def loss_batch(model, loss_func, xb, yb, opt=None):
    loss = loss_func(model(xb), yb)
    if opt is not None:
        loss.backward()
        opt.step()
        opt.zero_grad()
    return loss.item(), len(xb)


def fit(epochs, model, loss_func, opt, train, valid):
    for epoch in range(epochs):
        x, y = train
        order = torch.randperm(len(x))
        for rows in order.split(20):
            loss_batch(model, loss_func, x[rows], y[rows], opt)
        with torch.no_grad():
            print(epoch, loss_batch(model, loss_func, x, y)[0], loss_batch(model, loss_func, *valid)[0])


torch.manual_seed(0)
x_train, y_train, x_valid, y_valid = get_data()
model, opt = get_model()
fit(20, model, nn.functional.cross_entropy, opt, (x_train, y_train), (x_valid, y_valid))
