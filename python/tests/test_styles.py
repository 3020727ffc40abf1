"""Styles of healthy training code that something of ours has stumbled over."""

from __future__ import annotations

import json

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
