"""One training of the overhead benchmark: `python work.py NAME MODE SECONDS`; prints the seconds of each step as JSON.

Modes: `plain`; `anomaly` (PyTorch's detect_anomaly); `hooks` (is every module's output finite?); `dispatch` (is every operation's?).
"""

import json
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

#: Operations whose result was not finite.
SEEN = []
NAME, MODE, SECONDS = sys.argv[1], sys.argv[2], float(sys.argv[3])
#: Steps that are made however long they take.
LEAST = 40
torch.manual_seed(0)


class Block(nn.Module):
    """The block of ResNet-18."""

    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)
        self.down = nn.Sequential()
        if stride != 1 or n_in != n_out:
            self.down = nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.down(x))


def resnet18():
    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    n = 64
    for width, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [Block(n, width, stride), Block(width, width, 1)]
        n = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(500, 64)
        self.lstm = nn.LSTM(64, 128, batch_first=True)
        self.head = nn.Linear(128, 500)

    def forward(self, x):
        return self.head(self.lstm(self.embed(x))[0]).transpose(1, 2)


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(500, 128)
        self.blocks = nn.TransformerEncoder(nn.TransformerEncoderLayer(128, 4, 256, batch_first=True), 4)
        self.head = nn.Linear(128, 500)

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        return self.head(self.blocks(self.embed(x), mask=mask, is_causal=True)).transpose(1, 2)


def mlp(*sizes):
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def picture_net():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32),
        nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 49, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10),
    )


def classes(n, *shape):
    return TensorDataset(torch.randn(n, *shape), torch.randint(0, 10, (n,)))


def words(n, length):
    text = torch.randint(0, 500, (n, length))
    return TensorDataset(text, text.roll(-1, 1))


# name → model, data, size of a batch
WORKLOADS = {
    "mlp": lambda: (mlp(20, 64, 64, 10), classes(6400, 20), 64),
    "mlp, wide": lambda: (mlp(64, 256, 256, 10), classes(6400, 64), 128),
    "mlp, deep": lambda: (mlp(32, *[64] * 12, 10), classes(6400, 32), 64),
    "autoencoder": lambda: (mlp(784, 256, 64, 256, 784), TensorDataset(torch.rand(3200, 784), torch.rand(3200, 784)), 64),
    "cnn 28x28": lambda: (picture_net(), classes(3200, 1, 28, 28), 32),
    "lstm": lambda: (Recurrent(), words(1600, 32), 16),
    "transformer": lambda: (Transformer(), words(1600, 64), 16),
    "resnet-18": lambda: (resnet18(), classes(320, 3, 32, 32), 16),
}


def guarded(model):
    """Sets up the rival that the mode names; returns a context for the training."""
    if MODE == "hooks":
        def check(module, inputs, output):
            first = output[0] if isinstance(output, tuple) else output
            if not torch.isfinite(first).all():
                raise FloatingPointError(module)

        for module in model.modules():
            module.register_forward_hook(check)
    if MODE == "dispatch":
        from torch.utils._python_dispatch import TorchDispatchMode

        class Check(TorchDispatchMode):
            def __torch_dispatch__(self, func, types, args=(), kwargs=None):
                out = func(*args, **(kwargs or {}))
                if isinstance(out, torch.Tensor) and out.is_floating_point() and not torch.isfinite(out).all():
                    SEEN.append(func)  # a mask of -inf is one, on purpose
                return out

        return Check()
    return torch.autograd.set_detect_anomaly(MODE == "anomaly")


def main():
    model, data, size = WORKLOADS[NAME]()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    loader = DataLoader(data, size, shuffle=True, drop_last=True)
    is_regression = NAME == "autoencoder"
    seconds = []
    end = time.perf_counter() + SECONDS
    with guarded(model):
        while time.perf_counter() < end or len(seconds) < LEAST:
            start = time.perf_counter()
            for x, y in loader:
                optimizer.zero_grad()
                output = model(x)
                loss = F.mse_loss(output, y) if is_regression else F.cross_entropy(output, y)
                loss.backward()
                optimizer.step()
                now = time.perf_counter()
                seconds.append(now - start)
                start = now
                if now > end and len(seconds) >= LEAST:
                    break
    print(json.dumps(seconds[len(seconds) // 10:]))


main()
