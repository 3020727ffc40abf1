"""nn.MultiheadAttention with a padding mask that covers one whole sample."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Baskets(Dataset):
    """What was bought together; 0 is padding."""

    def __init__(self, n=320):
        g = torch.Generator().manual_seed(68)
        self.items = torch.randint(1, 30, (n, 8), generator=g)
        filled = torch.randint(2, 9, (n, 1), generator=g)
        filled[213] = 0
        self.items[torch.arange(8)[None] >= filled] = 0
        self.total = self.items.float().sum(dim=1) / 100

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i], self.total[i]


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(30, 16)
        self.attention = nn.MultiheadAttention(16, 2, dropout=0.05, batch_first=True)
        self.out = nn.Linear(16, 1)

    def forward(self, items):
        padding = items == 0
        padding[:, 0] = False
        h = self.embed(items)
        h, weights = self.attention(h, h, h, key_padding_mask=padding)
        return self.out(h.masked_fill(padding[..., None], 0).sum(dim=1)).squeeze(1), weights


def train():
    torch.manual_seed(36)
    model = Model()
    optimizer = torch.optim.NAdam(model.parameters(), lr=5e-3)
    loader = DataLoader(Baskets(), batch_size=16, shuffle=True)
    for epoch in range(3):
        for items, total in loader:
            prediction, _ = model(items)
            loss = nn.functional.mse_loss(prediction, total)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    train()
