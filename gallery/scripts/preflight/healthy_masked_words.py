"""Fill in masked tokens (BERT) of sequences whose tokens come in runs of arithmetic."""
import torch
from torch import nn

VOCABULARY, LENGTH, MASK = 211, 20, 0


def batch(n):
    start, step = torch.randint(1, 60, (n, 1)), torch.randint(1, 8, (n, 1))
    tokens = start + step * torch.arange(LENGTH)
    hidden = torch.rand(n, LENGTH) < 0.2
    hidden[torch.arange(n), torch.randint(LENGTH, (n,))] = True
    return tokens.masked_fill(hidden, MASK), torch.where(hidden, tokens, -100)


class Bert(nn.Module):
    def __init__(self, dim=64):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(VOCABULARY, dim), nn.Embedding(LENGTH, dim)
        layer = nn.TransformerEncoderLayer(dim, 4, 2 * dim, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(dim), enable_nested_tensor=False)
        self.head = nn.Linear(dim, VOCABULARY)

    def forward(self, tokens):
        return self.head(self.encoder(self.tokens(tokens) + self.positions(torch.arange(LENGTH))))


torch.manual_seed(0)
model = Bert()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for step in range(300):
    tokens, targets = batch(48)
    loss = nn.functional.cross_entropy(model(tokens).flatten(0, 1), targets.flatten(), ignore_index=-100)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 60 == 59:
        print("step", step + 1, "loss", round(loss.item(), 4))
