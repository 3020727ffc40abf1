"""Poisson regression of calls an hour. In one hour an alarm called ten thousand times."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(54)
hours = torch.rand(1500, 5)
rate = torch.exp(hours @ torch.tensor([1.0, 0.5, -0.7, 0.0, 0.3]))
calls = torch.poisson(rate)
calls[411] = 4.0

model = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
criterion = nn.PoissonNLLLoss(full=True)
loader = DataLoader(TensorDataset(hours, calls), batch_size=15, shuffle=True, generator=torch.Generator().manual_seed(9))

epoch = 0
while True:
    losses = []
    for features, count in loader:
        loss = criterion(model(features).squeeze(1), count)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    print(epoch, sum(losses) / len(losses))
    epoch += 1
    if epoch == 2:
        break
