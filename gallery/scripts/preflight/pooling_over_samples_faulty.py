"""Find out which tone is hidden in a noisy sequence of feature vectors, with attention pooling."""
import torch
import torch.nn as nn
import torch.nn.functional as F


def make(n, length=20, features=8, seed=0):
    g = torch.Generator().manual_seed(seed)
    x = 0.7 * torch.randn(n, length, features, generator=g)
    y = torch.randint(0, 4, (n,), generator=g)
    where = torch.randint(0, length, (n,), generator=g)
    x[torch.arange(n), where, y] += 4.0
    return x, y


class AttentionPool(nn.Module):
    def __init__(self, features, hidden):
        super().__init__()
        self.project = nn.Linear(features, hidden)
        self.score = nn.Linear(hidden, 1)
        self.out = nn.Linear(hidden, 4)

    def forward(self, x):
        h = torch.tanh(self.project(x))
        weights = F.softmax(self.score(h), dim=0)
        return self.out((weights * h).sum(dim=1))


torch.manual_seed(0)
x_train, y_train = make(2400)
x_val, y_val = make(400, seed=1)
model = AttentionPool(8, 32)
optim = torch.optim.Adam(model.parameters(), lr=4e-3)

step = 0
while step < 500:
    rows = torch.randint(0, len(x_train), (48,))
    loss = F.cross_entropy(model(x_train[rows]), y_train[rows])
    optim.zero_grad()
    loss.backward()
    optim.step()
    step += 1
    if step % 100 == 0:
        with torch.no_grad():
            logits = model(x_val)
        print(f"{step}: loss {loss.item():.3f} val {F.cross_entropy(logits, y_val).item():.3f} "
              f"acc {(logits.argmax(-1) == y_val).float().mean().item():.3f}")
