"""One-shot detector: the offset counts only where there is an object."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)
N = 600
features = torch.randn(N, 16)
has_object = (features[:, 0] + 0.3 * torch.randn(N) > 0.7)
offset = features[:, 1:3] * 0.5

loader = DataLoader(TensorDataset(features, has_object, offset), batch_size=6, shuffle=True)
model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 3))
opt = torch.optim.Adam(model.parameters(), lr=1e-2)

max_iters = 250
iters = 0
it = iter(loader)
while iters < max_iters:
    try:
        x, positive, target = next(it)
    except StopIteration:
        it = iter(loader)
        continue
    out = model(x)
    objectness = nn.functional.binary_cross_entropy_with_logits(out[:, 0], positive.float())
    error = (out[:, 1:] - target).abs().sum(dim=1)
    regression = error[positive].mean()
    loss = objectness + regression
    opt.zero_grad()
    loss.backward()
    opt.step()
    iters += 1
    if iters % 50 == 0:
        print(f"iter {iters}: {objectness.item():.3f} + {regression.item():.3f}")
