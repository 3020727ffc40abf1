import random

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn


def load(seed):
    rng = random.Random(seed)
    bunch = load_digits()
    images, labels = list(bunch.images / 16), list(bunch.target)
    pairs = list(zip(images, labels))
    rng.shuffle(pairs)
    images, labels = zip(*pairs)
    return torch.tensor(np.array(images), dtype=torch.float32), torch.tensor(np.array(labels))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 24), nn.ReLU(), nn.Dropout(0.3), nn.Linear(24, 10))

    def forward(self, x):
        return self.layers(x)


class Experiment:
    def __init__(self, seed=0, lr=1e-3, batch_size=32):
        torch.manual_seed(seed)
        images, labels = load(seed)
        self.train_data = images[:1400], labels[:1400]
        self.val_data = images[1400:], labels[1400:]
        self.net = Net()
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=lr)
        self.batch_size = batch_size

    def batches(self):
        images, labels = self.train_data
        for rows in torch.randperm(len(labels)).split(self.batch_size):
            yield images[rows], labels[rows]

    def epoch(self):
        self.net.train()
        for images, labels in self.batches():
            self.optimizer.zero_grad()
            loss = nn.functional.cross_entropy(self.net(images), labels)
            loss.backward()
            self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def evaluate(self):
        self.net.eval()
        images, labels = self.val_data
        logits = self.net(images)
        return nn.functional.cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).float().mean().item()


if __name__ == "__main__":
    experiment = Experiment()
    for n in range(14):
        loss = experiment.epoch()
        print(n, "loss %.4f val_loss %.4f val_acc %.3f" % (loss, *experiment.evaluate()))
