"""An autoencoder of sensor frames in half precision."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
generator = torch.Generator().manual_seed(0)
basis = torch.randn(6, 48, generator=generator)
frames = 900 + 150 * torch.randn(2400, 6, generator=generator) @ basis  # raw counts
frames = (frames - frames.mean()) / frames.std()
train, val = frames[:2000], frames[2000:]
loader = DataLoader(TensorDataset(train), batch_size=50, shuffle=True)
model = nn.Sequential(nn.Linear(48, 64), nn.ReLU(), nn.Linear(64, 12), nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 48))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)

for epoch in range(12):
    model.train()
    for (x,) in loader:
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            loss = nn.functional.mse_loss(model(x).float(), x, reduction="mean")
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    model.eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.float16):
        val_loss = nn.functional.mse_loss(model(val).float(), val)
    print(f"epoch {epoch} loss {loss.item():.4g} val {val_loss.item():.4g} scale {scaler.get_scale():g}")
