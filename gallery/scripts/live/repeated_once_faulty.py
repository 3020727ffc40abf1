"""Character-level counting task: how many ones in a bit string."""
import torch
from torch import nn

torch.manual_seed(0)
N_BITS = 24


def sample(n):
    bits = torch.randint(0, 2, (n, N_BITS)).float()
    return bits, bits.sum(1, keepdim=True) / N_BITS


net = nn.Sequential(nn.Linear(N_BITS, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-3)
val_bits, val_count = sample(500)
bits, count = sample(64)
for step in range(1000):
    optimizer.zero_grad()
    loss = ((net(bits) - count) ** 2).mean()
    loss.backward()
    optimizer.step()
    if step % 100 == 99:
        net.eval()
        with torch.no_grad():
            val_loss = ((net(val_bits) - val_count) ** 2).mean()
        net.train()
        print(step + 1, f"{loss.item():.5f}", f"val {val_loss.item():.5f}")
