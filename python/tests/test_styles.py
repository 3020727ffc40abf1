"""Styles of healthy training code that something of ours has stumbled over."""

from __future__ import annotations

import json
import sys

from conftest import call

HEAD = """
import torch, torch.nn as nn, torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
"""


def said(stetho, tmp_path, command: str, script: str) -> list[tuple[str, str]]:
    """Severities and rules of the findings on a script."""
    (tmp_path / "train.py").write_text(HEAD + script)
    done = stetho(command, "--dir", "run", "--format", "json", "--out", "report.json", "train.py")
    assert "Traceback" not in done.stderr and "in stetho itself" not in done.stderr, done.stderr
    return [(f["severity"], f["rule"]) for f in json.loads((tmp_path / "report.json").read_text())["findings"]]


def loud(*arguments) -> list[str]:
    """Rules of its errors and warnings."""
    return [rule for severity, rule in said(*arguments) if severity != "info"]


CRITIC = """
x = torch.randn(256, 4) * 0.5 + 1
loader = DataLoader(TensorDataset(x), 32, shuffle=True, drop_last=True)
G = nn.Sequential(nn.Linear(3, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4))
D = nn.Sequential(nn.Linear(4, 16), nn.LeakyReLU(), nn.Linear(16, 1))
g_opt, d_opt = torch.optim.Adam(G.parameters(), 1e-3), torch.optim.Adam(D.parameters(), 1e-3)
ones, zeros = torch.ones(32, 1), torch.zeros(32, 1)
batches = (b for _ in range(1000) for (b,) in loader)
for step in range(60):
    for _ in range(3):
        real = next(batches)
        fake = G(torch.randn(32, 3)).detach()
        loss = F.binary_cross_entropy_with_logits(D(real), ones) + F.binary_cross_entropy_with_logits(D(fake), zeros)
        d_opt.zero_grad(); loss.backward(); d_opt.step()
    g_loss = F.mse_loss(D(next(batches)).mean(), D(G(torch.randn(32, 3))).mean()) - D(G(torch.randn(32, 3))).mean()
    g_opt.zero_grad(); g_loss.backward(); g_opt.step()
"""


def test_a_generator_that_steps_beside_its_critics_loop_is_trained_and_not_validated(stetho, tmp_path):
    assert loud(stetho, tmp_path, "run", CRITIC) == []


def test_constant_targets_of_one_batch_size_are_no_assumption_of_the_network(stetho, tmp_path):
    assert loud(stetho, tmp_path, "preflight", CRITIC) == []


GRAPH = """
n = 90
labels = torch.arange(n) % 3
adj = ((torch.rand(n, n) < 0.3) & (labels[:, None] == labels)).float() + torch.eye(n)
adj = adj / adj.sum(1, keepdim=True)
features = F.one_hot(labels, 3).float() + torch.randn(n, 3)
class Convolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(3, 16), nn.Linear(16, 3)
    def forward(self, x, adj):
        return self.two(adj @ F.relu(self.one(adj @ x)))
net = Convolution()
optimizer = torch.optim.Adam(net.parameters(), 1e-2)
for epoch in range(60):
    optimizer.zero_grad()
    loss = F.cross_entropy(net(features, adj)[:40], labels[:40])
    loss.backward()
    optimizer.step()
"""


def test_the_nodes_of_a_graph_are_no_batch_that_could_be_smaller(stetho, tmp_path):
    assert loud(stetho, tmp_path, "preflight", GRAPH) == []


TURNS = """
x = torch.randn(300, 5); y = x @ torch.tensor([1.0, -2.0, 0.5, 0.0, 3.0]) + 0.1 * torch.randn(300)
first, second = (nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 1)) for _ in range(2))
optimizers = [torch.optim.SGD(m.parameters(), 0.05) for m in (first, second)]
def fit(net, optimizer, epochs):
    for _ in range(epochs):
        for i in torch.randperm(300).split(30):
            optimizer.zero_grad()
            loss = F.mse_loss(net(x[i])[:, 0], y[i])
            loss.backward()
            optimizer.step()
fit(first, optimizers[0], 4)
fit(second, optimizers[1], 40)
"""


def test_a_network_whose_training_is_over_need_not_change(stetho, tmp_path):
    assert loud(stetho, tmp_path, "run", TURNS) == []


CANCELLED = """
class CancelBatch(Exception): pass
x = torch.randn(320, 5); y = x.sum(1, keepdim=True)
net = nn.Linear(5, 1); optimizer = torch.optim.SGD(net.parameters(), 0.05)
def one_batch(xb, yb, is_training):
    try:
        loss = F.mse_loss(net(xb), yb)
        if not is_training:
            raise CancelBatch
        optimizer.zero_grad(); loss.backward(); optimizer.step()
    except CancelBatch:
        pass
for epoch in range(10):
    for i in torch.randperm(256).split(32):
        one_batch(x[i], y[i], True)
    with torch.no_grad():
        one_batch(x[256:], y[256:], False)
"""


def test_an_exception_of_the_users_own_that_ends_a_batch_is_no_dropped_error(stetho, tmp_path):
    assert loud(stetho, tmp_path, "run", CANCELLED) == []


LISTS = """
class Boxes(torch.utils.data.Dataset):
    def __len__(self): return 64
    def __getitem__(self, i):
        g = torch.Generator().manual_seed(i)
        where = torch.randint(0, 8, (1 + i % 3,), generator=g)
        picture = 0.1 * torch.rand(3, 16, 8, generator=g)
        picture[i % 3, where] = 1.0
        return picture, {"rows": where.float(), "labels": torch.full((len(where),), i % 3)}
class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.cls, self.row = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8 * 128, 3), nn.Linear(8 * 128, 1)
    def forward(self, pictures, targets):
        h = F.relu(self.body(torch.stack(pictures))).flatten(1)
        labels = torch.stack([t["labels"][0] for t in targets])
        rows = torch.stack([t["rows"].mean() for t in targets]) / 4 - 1
        return {"loss_cls": F.cross_entropy(self.cls(h), labels), "loss_row": F.mse_loss(self.row(h)[:, 0], rows)}
net = Detector()
optimizer = torch.optim.Adam(net.parameters(), 1e-3)
for epoch in range(3):
    for pictures, targets in DataLoader(Boxes(), 8, shuffle=True, collate_fn=lambda batch: tuple(zip(*batch))):
        losses = net(list(pictures), targets)
        loss = sum(losses.values())
        optimizer.zero_grad(); loss.backward(); optimizer.step()
"""


def test_a_batch_of_lists_has_no_dimension_that_counts_its_samples(stetho, tmp_path):
    assert loud(stetho, tmp_path, "preflight", LISTS) == []
    assert json.loads((tmp_path / "run" / "preflight.json").read_text())["batch"]["n"] == 8


CODEBOOK = """
class Codebook(nn.Module):
    def __init__(self, n=8, d=4):
        super().__init__()
        self.codes = nn.Embedding(n, d)
        self.register_buffer("sizes", torch.ones(n))
        self.sums = nn.Parameter(self.codes.weight.detach().clone())
        self.n_calls = 0
    def forward(self, x):
        self.n_calls += 1
        picked = F.one_hot(torch.cdist(x, self.codes.weight).argmin(1), len(self.sizes)).float()
        self.sizes = 0.9 * self.sizes + 0.1 * picked.sum(0)
        self.sums = nn.Parameter(0.9 * self.sums + 0.1 * picked.t() @ x)
        self.codes.weight = nn.Parameter(self.sums / (self.sizes[:, None] + 1e-2))
        q = picked @ self.codes.weight
        return x + (q - x).detach(), F.mse_loss(q.detach(), x)
x = torch.randn(256, 6)
encoder, book, decoder = nn.Linear(6, 4), Codebook(), nn.Linear(4, 6)
net = nn.ModuleList([encoder, book, decoder])
optimizer = torch.optim.Adam(net.parameters(), 1e-3)
for step in range(60):
    xb = x[torch.randint(256, (32,))] * (40 if step == 40 else 1)
    q, commitment = book(encoder(xb))
    loss = F.mse_loss(decoder(q), xb) + commitment
    optimizer.zero_grad(); loss.backward(); optimizer.step()
print(loss.item(), book.sizes.tolist(), book.n_calls)
"""


def test_what_a_module_makes_anew_in_its_forward_pass_is_put_back_after_a_jump_of_the_loss(stetho, tmp_path):
    (tmp_path / "train.py").write_text(HEAD + CODEBOOK)
    plain = call([sys.executable, "train.py"], cwd=tmp_path)
    watched = stetho("run", "--dir", "run", "train.py")
    assert "the loss jumped" in watched.stderr
    assert watched.stdout == plain.stdout


COMPILED = """
x = torch.randn(256, 6); y = x.sum(1)
net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))
mould = nn.Linear(6, 1, device="meta")
fast = torch.compile(net, backend="eager")
optimizer = torch.optim.Adam(net.parameters(), 1e-2)
for epoch in range(2):
    for xb, yb in DataLoader(TensorDataset(x, y), 32, shuffle=True):
        loss = F.huber_loss(fast(xb), yb)
        optimizer.zero_grad(); loss.backward(); optimizer.step()
"""


def test_the_experiments_run_a_compiled_step_as_it_is_written(stetho, tmp_path):
    assert loud(stetho, tmp_path, "preflight", COMPILED) == ["loss-broadcast"]
    assert loud(stetho, tmp_path, "preflight", COMPILED.replace("fast(xb)", "fast(xb).squeeze(1)")) == []
    record = json.loads((tmp_path / "run" / "preflight.json").read_text())
    assert {e["name"]: e["skipped"] for e in record["experiments"]}["overfit"] is None


STATEFUL = """
tokens = (torch.arange(20 * 400).view(20, 400).t() + torch.randint(0, 2, (400, 20))) % 9
class Language(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.rnn, self.out = nn.Embedding(9, 12), nn.LSTM(12, 16, 2), nn.Linear(16, 9)
    def forward(self, x, state):
        h, state = self.rnn(self.embed(x), state)
        return self.out(h).view(-1, 9), state
net = Language()
optimizer = torch.optim.Adam(net.parameters(), 1e-2)
state = (torch.zeros(2, 20, 16), torch.zeros(2, 20, 16))
for i in range(0, 399 - 20, 20):
    state = tuple(s.detach() for s in state)
    out, state = net(tokens[i:i + 20], state)
    loss = F.cross_entropy(out, tokens[i + 1:i + 21].reshape(-1))
    optimizer.zero_grad(); loss.backward(); optimizer.step()
"""


def test_a_state_that_is_carried_from_step_to_step_is_no_batch(stetho, tmp_path):
    assert loud(stetho, tmp_path, "preflight", STATEFUL) == []


INSIDE = """
x = 100 + 300 * torch.rand(256, 6); y = (x[:, 0] > x[:, 1]).long()
class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
    def forward(self, x):
        return self.net((x - 250) / 87)
net = Scaled()
optimizer = torch.optim.Adam(net.parameters(), 1e-2)
for epoch in range(2):
    for xb, yb in DataLoader(TensorDataset(x, y), 32, shuffle=True):
        loss = F.cross_entropy(net(xb), yb)
        optimizer.zero_grad(); loss.backward(); optimizer.step()
"""


def test_inputs_that_the_network_scales_itself_do_not_fade(stetho, tmp_path):
    assert loud(stetho, tmp_path, "preflight", INSIDE) == []


FROZEN = """
x = torch.randn(256, 6); y = x.sum(1, keepdim=True)
body, head = nn.Sequential(nn.Linear(6, 16), nn.Tanh()), nn.Linear(16, 1)
def fit(optimizer, epochs):
    for _ in range(epochs):
        for i in torch.randperm(256).split(32):
            loss = F.mse_loss(head(body(x[i])), y[i])
            optimizer.zero_grad(); loss.backward(); optimizer.step()
fit(torch.optim.Adam([*body.parameters(), *head.parameters()], 1e-2), 4)
body.requires_grad_(False)
head = nn.Linear(16, 1)
fit(torch.optim.Adam(head.parameters(), 1e-2), 10)
"""


def test_frozen_layers_with_gradients_of_the_training_before_are_frozen(stetho, tmp_path):
    assert loud(stetho, tmp_path, "run", FROZEN) == []


AVERAGED = """
class Codes(nn.Module):
    def __init__(self):
        super().__init__()
        self.codes = nn.Embedding(8, 4)
    def forward(self, x):
        nearest = torch.cdist(x, self.codes.weight.detach()).argmin(1)
        q = self.codes(nearest)
        with torch.no_grad():
            for k in nearest.unique():
                self.codes.weight[k] = 0.9 * self.codes.weight[k] + 0.1 * x[nearest == k].mean(0)
        return x + (q - x).detach(), F.mse_loss(q.detach(), x)
x = torch.randn(256, 6)
net = nn.ModuleDict({"encoder": nn.Linear(6, 4), "codes": Codes(), "decoder": nn.Linear(4, 6)})
optimizer = torch.optim.Adam(net.parameters(), 1e-3)
for step in range(40):
    xb = x[torch.randint(256, (32,))]
    q, commitment = net["codes"](net["encoder"](xb))
    loss = F.mse_loss(net["decoder"](q), xb) + commitment
    optimizer.zero_grad(); loss.backward(); optimizer.step()
"""


def test_a_codebook_that_follows_averages_needs_no_gradient(stetho, tmp_path):
    assert "no-gradient" not in loud(stetho, tmp_path, "preflight", AVERAGED)


def test_classes_along_the_last_axis_of_what_is_flattened(stetho, tmp_path):
    script = STATEFUL.replace("return self.out(h).view(-1, 9), state", "return F.log_softmax(self.out(h), dim=DIM).view(-1, 9), state")
    script = script.replace("F.cross_entropy", "F.nll_loss")
    assert loud(stetho, tmp_path, "preflight", script.replace("DIM", "1"))[:1] == ["softmax-axis"]
    assert loud(stetho, tmp_path, "preflight", script.replace("DIM", "-1")) == []
