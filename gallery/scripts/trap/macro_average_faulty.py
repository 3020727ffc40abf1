"""Every class counts the same, however rare it is in the batch (macro average)."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

K = 4


def dataset():
    g = torch.Generator().manual_seed(14)
    share = torch.tensor([0.35, 0.3, 0.2, 0.15])
    y = torch.multinomial(share, 600, replacement=True, generator=g)
    x = torch.randn(600, 8, generator=g) + nn.functional.one_hot(y, 8) * 2.0
    return TensorDataset(x, y)


def macro_loss(logits, y):
    nll = nn.functional.cross_entropy(logits, y, reduction="none")
    sums = torch.zeros(K).index_add(0, y, nll)
    counts = torch.bincount(y, minlength=K)
    per_class = sums / counts
    return per_class.mean()


def main():
    torch.manual_seed(40)
    model = nn.Linear(8, K)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    loader = DataLoader(dataset(), batch_size=30, shuffle=True)
    for epoch in range(8):
        for x, y in loader:
            loss = macro_loss(model(x), y)
            optimizer.zero_grad(); loss.backward(); optimizer.step()
        print("epoch", epoch, "loss", loss.item())


main()
