"""Colour histograms -> season. Histograms are normalised in place, batch by batch."""
import torch
from torch import nn

g = torch.Generator().manual_seed(73)
season = torch.randint(0, 4, (500,), generator=g)
prototype = torch.rand(4, 16, generator=g)
histograms = torch.poisson(prototype[season] * 20, generator=g)
histograms[288] = 0  # a black picture

torch.manual_seed(73)
model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Dropout(0.1), nn.Linear(32, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.5)
criterion = nn.CrossEntropyLoss()

batch_size = 25
for epoch in range(3):
    order = torch.randperm(len(season))
    for b in range(0, len(order), batch_size):
        x = histograms[order[b:b + batch_size]]
        y = season[order[b:b + batch_size]]
        x /= x.sum(dim=1, keepdim=True).clamp_(min=1)
        x *= 16
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}  loss {loss.item():.4f}")
