"""Contrastive learning of digits from two noisy views; a linear probe at the end."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def augment(x):
    keep = (torch.rand_like(x) > 0.15).float()
    return x * keep + 0.1 * torch.randn_like(x)


def nt_xent(a, b, temperature=0.3):
    z = F.normalize(torch.cat([a, b]), dim=1)
    similarity = z @ z.T / temperature
    similarity.fill_diagonal_(float("-inf"))
    n = len(a)
    positive = torch.cat([torch.arange(n, 2 * n), torch.arange(n)])
    return F.cross_entropy(similarity, positive)


def main():
    torch.manual_seed(0)
    bunch = load_digits()
    x = torch.tensor(bunch.data, dtype=torch.float32) / 16
    order = torch.randperm(len(x))
    x, y = x[order], bunch.target[order.numpy()]
    encoder = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64))
    projector = nn.Sequential(nn.ReLU(), nn.Linear(64, 32))
    optimizer = torch.optim.Adam([*encoder.parameters(), *projector.parameters()], lr=2e-3)
    loader = DataLoader(TensorDataset(x[:1400]), batch_size=100, shuffle=True, drop_last=True)
    for epoch in range(20):
        encoder.train()
        total = 0.0
        for (batch,) in loader:
            loss = nt_xent(projector(encoder(augment(batch))), projector(encoder(augment(batch))))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() / len(loader)
        if epoch % 4 == 3:
            encoder.eval()
            with torch.no_grad():
                val_loss = nt_xent(projector(encoder(augment(x[1400:1500]))), projector(encoder(augment(x[1400:1500]))))
            print(f"epoch {epoch} contrastive loss {total:.4f} validation {val_loss.item():.4f}")
    with torch.no_grad():
        codes = encoder(x).numpy()
    probe = LogisticRegression(max_iter=500).fit(codes[:1400], y[:1400])
    print("linear probe", round(probe.score(codes[1400:], y[1400:]), 4))


if __name__ == "__main__":
    main()
