"""Half precision with a gradient scaler."""
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(30)
x = torch.randn(512, 20)
y = (x[:, 0] + x[:, 1] > 0).long()

model = nn.Sequential(nn.Linear(20, 64), nn.Tanh(), nn.Linear(64, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0 ** 24, growth_interval=50)

for epoch in range(6):
    perm = torch.randperm(512)
    for b in range(0, 512, 32):
        idx = perm[b:b + 32]
        with torch.amp.autocast("cpu", dtype=torch.float16):
            out = model(x[idx])
            loss = F.cross_entropy(out, y[idx])
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        optimizer.step()
    print(epoch, loss.item(), scaler.get_scale())
