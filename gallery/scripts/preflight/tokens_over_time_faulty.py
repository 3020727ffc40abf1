"""Sequence to sequence: numbers are written backwards; the log-probabilities of all steps are made at once and flattened for the loss."""
import torch
from torch import nn
from torch.nn import functional as F

START, END, LONGEST, WORDS = 0, 1, 9, 12
torch.manual_seed(0)


def batch(n):
    x, y = torch.full((n, LONGEST), END), torch.full((n, LONGEST), END)
    for i in range(n):
        k = int(torch.randint(3, LONGEST, (1,)))
        x[i, :k] = torch.randint(2, WORDS, (k,))
        y[i, :k] = x[i, :k].flip(0)
    return x, y


class Encoder(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.embedding, self.gru = nn.Embedding(WORDS, size), nn.GRU(size, size, batch_first=True)

    def forward(self, x):
        return self.gru(self.embedding(x))


class Decoder(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.embedding, self.gru = nn.Embedding(WORDS, size), nn.GRU(2 * size, size, batch_first=True)
        self.attend, self.out = nn.Linear(size, size), nn.Linear(size, WORDS)

    def forward(self, states, hidden, targets):
        word, scores = torch.full((len(states), 1), START), []
        for i in range(LONGEST):
            weights = F.softmax(self.attend(hidden[-1]).unsqueeze(1) @ states.transpose(1, 2), dim=-1)
            output, hidden = self.gru(torch.cat([self.embedding(word), weights @ states], 2), hidden)
            scores.append(self.out(output))
            word = targets[:, i : i + 1]
        return F.log_softmax(torch.cat(scores, 1), dim=1)


encoder, decoder = Encoder(64), Decoder(64)
optimizers = [torch.optim.Adam(m.parameters(), lr=3e-3) for m in (encoder, decoder)]
criterion = nn.NLLLoss()
for step in range(300):
    x, y = batch(32)
    for optimizer in optimizers:
        optimizer.zero_grad()
    log_probabilities = decoder(*encoder(x), y)
    loss = criterion(log_probabilities.view(-1, WORDS), y.view(-1))
    loss.backward()
    for optimizer in optimizers:
        optimizer.step()
    if step % 100 == 99:
        right = (log_probabilities.argmax(-1) == y).float().mean()
        print(f"step {step + 1} loss {loss.item():.4f} right {right.item():.4f}")
