"""The preflight: what it measures, and that the training after it is as it would have been."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from conftest import call

#: What `stetho preflight` and `stetho run --preflight` ask of Python.
DRIVER = """
import json, sys
from stetho import _core, launch
request = json.loads(_core.command(["run", "--dir", "run", *sys.argv[2:]]))
request["options"]["preflight"] = json.loads(sys.argv[1])
sys.exit(launch.run(request))
"""

HEAD = """
import copy, random
import numpy as np
import torch, torch.nn as nn, torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0); random.seed(0); np.random.seed(0)
x = torch.randn(96, 6); y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long(); r = x.sum(1, keepdim=True)
net = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3))
loader = DataLoader(TensorDataset(x, y), 16, shuffle=True)
history = []
"""

TAIL = """
import gc, hashlib
def digest(state):
    found = hashlib.sha256()
    for name, value in sorted(state.items()):
        found.update(repr(name).encode())
        if isinstance(value, torch.Tensor): found.update(value.detach().float().contiguous().numpy().tobytes())
        elif isinstance(value, dict): found.update(digest({repr(k): v for k, v in value.items()}).encode())
        else: found.update(repr(value).encode())
    return found.hexdigest()
for name, thing in sorted(globals().items()):
    if isinstance(thing, (nn.Module, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler)):
        print(name, digest(thing.state_dict()), getattr(thing, "training", None))
        if isinstance(thing, nn.Module):
            print([(n, p.requires_grad, None if p.grad is None else p.grad.double().sum().item()) for n, p in thing.named_parameters()])
print([round(v, 12) for v in history], torch.rand(1).item(), random.random(), np.random.rand())
"""

#: Steps of many kinds; each ends with all its state printed.
STEPS = {
    "dropout, batch norm, Adam, scheduler in the step": """
optimizer = torch.optim.Adam(net.parameters(), 1e-2)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=40)
for epoch in range(2):
    total = 0.0
    for i, (xb, yb) in enumerate(loader):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(xb), yb, label_smoothing=0.1)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        total += loss.item()
        history.append(loss.item())
        print(epoch, i, loss.item())
    print(total)
""",
    "mixed precision with a scaler": """
optimizer = torch.optim.SGD(net.parameters(), 1e-2, momentum=0.9, weight_decay=1e-3)
scaler = torch.amp.GradScaler("cpu")
for xb, yb in loader:
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = F.cross_entropy(net(xb), yb)
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    history.append(loss.item())
print(scaler.state_dict())
""",
    "two optimizers that play": """
G = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 6)); D = nn.Sequential(nn.Linear(6, 16), nn.LeakyReLU(), nn.Linear(16, 1))
g_opt = torch.optim.Adam(G.parameters(), 1e-3, betas=(0.5, 0.9)); d_opt = torch.optim.RMSprop(D.parameters(), 1e-3)
for xb, _ in loader:
    real = torch.ones(len(xb), 1)
    d_opt.zero_grad()
    fake = G(torch.randn(len(xb), 4))
    d_loss = F.binary_cross_entropy_with_logits(D(xb), real) + F.binary_cross_entropy_with_logits(D(fake.detach()), real * 0)
    d_loss.backward(); d_opt.step()
    for p in D.parameters(): p.data = p.data.clamp(-0.2, 0.2)
    g_opt.zero_grad()
    g_loss = F.binary_cross_entropy_with_logits(D(fake), real)
    g_loss.backward(); g_opt.step()
    history += [d_loss.item(), g_loss.item()]
""",
    "accumulated gradients, zeroed at the end": """
optimizer = torch.optim.AdamW(net.parameters(), 1e-2)
for i, (xb, yb) in enumerate(loader):
    loss = F.cross_entropy(net(xb), yb) / 2
    loss.backward()
    if (i + 1) % 2 == 0:
        optimizer.step()
        optimizer.zero_grad()
    history.append(loss.item())
""",
    "a closure": """
net = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.LBFGS(net.parameters(), max_iter=4)
for i in range(0, 96, 32):
    def closure():
        optimizer.zero_grad()
        loss = F.mse_loss(net(x[i:i + 32]), r[i:i + 32])
        loss.backward()
        history.append(loss.item())
        return loss
    optimizer.step(closure)
""",
    "next, counters, noise of three kinds, left by break": """
rng = np.random.default_rng(3); own = random.Random(4); generator = torch.Generator().manual_seed(5)
optimizer = torch.optim.SGD(net.parameters(), 1e-2)
it = iter(loader); step = 0; seen = {"n": 0}
while True:
    xb, yb = next(it)
    xb = xb + 0.1 * torch.randn(xb.shape, generator=generator) + float(rng.normal()) + own.random() + np.random.rand()
    loss = F.cross_entropy(net(xb), yb)
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    history.append(loss.item()); step += 1; seen["n"] += len(xb)
    if step == 5: break
print(step, seen, rng.normal(), own.random(), torch.rand(1, generator=generator))
""",
    "a class that counts, with an average of its weights": """
class Trainer:
    n_made = 0
    def __init__(self):
        self.net = net; self.average = copy.deepcopy(net).requires_grad_(False)
        self.optimizer = torch.optim.Adam(net.parameters(), 1e-2); self.n = 0; self.running = torch.zeros(()); self.log = {}
    def step(self, batch):
        xb, yb = batch
        self.net.train()
        loss = F.cross_entropy(self.net(xb), yb)
        self.optimizer.zero_grad(); loss.backward(); self.optimizer.step()
        self.n += 1; self.running += loss.detach(); self.log.setdefault("loss", []).append(loss.item()); Trainer.n_made += 1
        with torch.no_grad():
            for a, p in zip(self.average.parameters(), self.net.parameters()): a.lerp_(p, 0.1)
        return loss.item()
    def train(self):
        for batch in loader: history.append(self.step(batch))
trainer = Trainer(); trainer.train(); average = trainer.average
print(trainer.n, trainer.running, trainer.log, Trainer.n_made)
""",
    "batches drawn at random, the next one at the end of the step": """
def get_batch():
    i = torch.randint(0, 96, (8,))
    return x[i], y[i]
optimizer = torch.optim.Adam(net.parameters(), 1e-2)
a, b = get_batch(); it = 0
while True:
    for group in optimizer.param_groups: group["lr"] = 1e-3 * (it + 1)
    for micro in range(2):
        loss = F.cross_entropy(net(a), b) / 2
        a, b = get_batch()
        loss.backward()
    optimizer.step(); optimizer.zero_grad(set_to_none=True)
    history.append(loss.item()); it += 1
    if it > 5: break
""",
    "a hidden state that is carried, a function that returns": """
rnn = nn.GRU(6, 8, batch_first=True, dropout=0.2, num_layers=2); head = nn.Linear(8, 1)
optimizer = torch.optim.Adam([*rnn.parameters(), *head.parameters()], 1e-2)
hidden = torch.zeros(2, 8, 8)
def step(xb, rb, hidden):
    out, hidden = rnn(xb, hidden.detach())
    loss = F.mse_loss(head(out).squeeze(-1), rb)
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    return loss, hidden
data = x.view(8, 12, 6); targets = r.view(8, 12)
for t in range(0, 12, 4):
    loss, hidden = step(data[:, t:t + 4], targets[:, t:t + 4], hidden)
    history.append(loss.item())
print(hidden.sum().item())
""",
    "workers, layers that are made lazily": """
net = nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(3))
optimizer = torch.optim.SGD(net.parameters(), 0.1)
for xb, yb in DataLoader(TensorDataset(x, y), 16, shuffle=True, num_workers=2):
    loss = F.cross_entropy(net(xb), yb)
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    history.append(loss.item())
""",
}


def check(tmp_path: Path, script: str, **options: object):
    """The script with a preflight first: what it printed, and the record."""
    (tmp_path / "train.py").write_text(script)
    (tmp_path / "driver.py").write_text(DRIVER)
    asked = json.dumps({"only": False, "budget": 30.0, **options})
    done = call([sys.executable, "driver.py", asked, "train.py"], cwd=tmp_path, environment={"OMP_NUM_THREADS": "1"})
    path = tmp_path / "run" / "preflight.json"
    return done, json.loads(path.read_text()) if path.exists() else None


@pytest.mark.parametrize("step", STEPS, ids=list(STEPS))
def test_training_after_it_is_bit_for_bit_that_without_it(tmp_path, step):
    script = HEAD + STEPS[step] + TAIL
    (tmp_path / "plain.py").write_text(script)
    plain = call([sys.executable, "plain.py"], cwd=tmp_path, environment={"OMP_NUM_THREADS": "1"})
    assert plain.returncode == 0, plain.stderr
    done, record = check(tmp_path, script)
    assert done.stdout == plain.stdout
    assert done.returncode == 0, done.stderr
    assert "failed in stetho itself" not in done.stderr
    assert record["experiments"][0] == {"name": "facts", "title": "the step as it is", "seconds": record["experiments"][0]["seconds"], "skipped": None}
    assert not [e for e in record["experiments"] if (e["skipped"] or "").startswith("failed")], record["experiments"]
