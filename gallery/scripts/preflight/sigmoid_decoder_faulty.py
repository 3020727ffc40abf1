"""Autoencoder on standardised tumour measurements."""
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

torch.manual_seed(1)
x = torch.tensor(StandardScaler().fit_transform(load_breast_cancer().data), dtype=torch.float32)
train, held_out = x[:480], x[480:]

encoder = torch.nn.Sequential(torch.nn.Linear(30, 64), torch.nn.GELU(), torch.nn.Linear(64, 24))
decoder = torch.nn.Sequential(
    torch.nn.Linear(24, 64),
    torch.nn.GELU(),
    torch.nn.Linear(64, 30),
    torch.nn.Sigmoid(),
)
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=3e-3)

for epoch in range(1, 41):
    for batch in train[torch.randperm(len(train))].split(32):
        optimizer.zero_grad()
        reconstruction = decoder(encoder(batch))
        loss = ((reconstruction - batch) ** 2).mean()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 0:
        with torch.no_grad():
            val_loss = ((decoder(encoder(held_out)) - held_out) ** 2).mean()
        print(f"{epoch:3d} loss {loss:.4f} held out {val_loss:.4f}")
