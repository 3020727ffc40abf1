"""Off-policy evaluation: clicks are weighed by how much likelier today's policy is to show the banner."""
import torch
from torch.utils.data import DataLoader, Dataset


class Clicks(Dataset):
    """Log of two weeks. In the second week of the log a banner ran that today's policy never shows (ratio 0)."""

    def __init__(self):
        g = torch.Generator().manual_seed(38)
        self.x = torch.randn(420, 5, generator=g)
        self.clicked = (self.x[:, 0] + 0.5 * torch.randn(420, generator=g) > 0).float()
        self.ratio = torch.rand(420, generator=g) * 2
        self.ratio[252:273] = 0.0

    def __len__(self):
        return 420

    def __getitem__(self, i):
        return self.x[i], self.clicked[i], self.ratio[i]


torch.manual_seed(0)
linear = torch.nn.Linear(5, 1)
sgd = torch.optim.SGD(linear.parameters(), lr=0.3)
log = DataLoader(Clicks(), batch_size=21, shuffle=False)
for sweep in range(4):
    for x, clicked, ratio in log:
        sgd.zero_grad()
        nll = torch.nn.functional.binary_cross_entropy_with_logits(linear(x)[:, 0], clicked, reduction="none")
        weight = ratio / ratio.sum().clamp(min=1e-8)
        loss = (weight * nll).sum()
        loss.backward()
        sgd.step()
    print(sweep, loss.item())
