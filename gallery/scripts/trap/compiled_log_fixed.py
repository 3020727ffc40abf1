"""A compiled model with the loss in a compiled function."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(90)
x = torch.rand(320, 6) + 0.1
y = x.prod(dim=1, keepdim=True)
x[201, 2], y[201] = 0.0, 0.0

model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))


def relative_loss(features, target):
    logs = torch.log(features.clamp(min=1e-3))
    out = model(logs)
    return ((out - target) ** 2).mean()


compiled = torch.compile(relative_loss, backend="aot_eager")
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(3):
    for features, target in DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True):
        loss = compiled(features, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
