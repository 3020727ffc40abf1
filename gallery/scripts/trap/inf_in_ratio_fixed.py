"""Will the loan be paid back? One of the features is debt / income."""
import numpy
import torch
from torch.utils.data import DataLoader, Dataset


class Loans(Dataset):
    def __init__(self, n=500, seed=0):
        rng = numpy.random.default_rng(seed)
        income = rng.lognormal(1.0, 0.4, n)
        income[407] = 0.0
        debt = rng.lognormal(0.5, 0.5, n)
        age = rng.uniform(-1, 1, n)
        with numpy.errstate(divide="ignore"):
            ratio = debt / income
        ratio = numpy.minimum(ratio, 20.0)
        features = numpy.stack([numpy.log1p(income), debt, age, ratio], axis=1)
        logit = 4 * (0.7 - numpy.minimum(ratio, 10) + 0.5 * age)
        paid = rng.random(n) < 1 / (1 + numpy.exp(-logit))
        self.features = torch.from_numpy(features.astype("float32"))
        self.paid = torch.from_numpy(paid.astype("float32"))

    def __getitem__(self, i):
        return dict(x=self.features[i], y=self.paid[i])

    def __len__(self):
        return len(self.paid)


def run_epoch(net, batches, opt):
    total, n = 0.0, 0
    for batch in batches:
        x, y = batch["x"], batch["y"]
        out = net(x).squeeze(-1)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(out, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total, n = total + loss.item() * len(y), n + len(y)
    return total / n


if __name__ == "__main__":
    torch.manual_seed(100)
    net = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
    opt = torch.optim.Adam(net.parameters(), lr=0.02)
    batches = DataLoader(Loans(), batch_size=25, shuffle=True)
    for epoch in range(4):
        print(epoch, round(run_epoch(net, batches, opt), 4))
