"""Mixed precision on the CPU. One recording is much louder than the others."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(12)
loud = torch.randn(360, 64)
target = loud[:, :8].sum(dim=1, keepdim=True) / 8
loud[190] = loud[190].sign() * 40000
target[190] = 0.0

loader = DataLoader(TensorDataset(loud, target), batch_size=12, shuffle=True)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
with torch.no_grad():
    model[0].weight.mul_(2.0)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

for epoch in range(3):
    for x, y in loader:
        with torch.autocast(device_type="cpu", dtype=torch.float16):
            prediction = model(x)
        loss = nn.functional.smooth_l1_loss(prediction.float(), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
