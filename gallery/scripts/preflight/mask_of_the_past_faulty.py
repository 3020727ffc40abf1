"""Next token of a Markov chain by a torch.nn.TransformerEncoder."""
import argparse

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--states", type=int, default=12)
parser.add_argument("--length", type=int, default=20)
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--d-model", type=int, default=32)


def chain(states, n, length, seed):
    g = torch.Generator().manual_seed(seed)
    table = torch.rand(states, states, generator=torch.Generator().manual_seed(99)).pow(6)
    token = torch.randint(states, (n, 1), generator=g)
    out = [token]
    for _ in range(length):
        token = torch.multinomial(table[token.squeeze(1)], 1, generator=g)
        out.append(token)
    return TensorDataset(torch.cat(out, dim=1))


class Predictor(nn.Module):
    def __init__(self, states, length, d_model):
        super().__init__()
        self.token = nn.Embedding(states, d_model)
        self.place = nn.Parameter(torch.zeros(length, d_model))
        layer = nn.TransformerEncoderLayer(d_model, 4, 64, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2)
        self.to_states = nn.Linear(d_model, states)
        ones = torch.ones(length, length, dtype=torch.bool)
        self.register_buffer("hidden", torch.tril(ones, diagonal=-1))

    def forward(self, tokens):
        x = self.token(tokens) + self.place
        return self.to_states(self.encoder(x, mask=self.hidden))


def main():
    args = parser.parse_args()
    torch.manual_seed(0)
    train, val = (chain(args.states, n, args.length, seed) for n, seed in ((1200, 0), (200, 1)))
    model = Predictor(args.states, args.length, args.d_model)
    optimizer = optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        model.train()
        for (tokens,) in DataLoader(train, batch_size=24, shuffle=True):
            optimizer.zero_grad()
            scores = model(tokens[:, :-1])
            loss = criterion(scores.reshape(-1, args.states), tokens[:, 1:].reshape(-1))
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            tokens = val.tensors[0]
            val_loss = criterion(model(tokens[:, :-1]).transpose(1, 2), tokens[:, 1:])
        print(f"epoch {epoch}: {loss.item():.4f} {val_loss.item():.4f}")


if __name__ == "__main__":
    main()
