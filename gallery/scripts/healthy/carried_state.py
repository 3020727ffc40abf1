"""A recurrent language model: time first, the state is carried from batch to batch, plain SGD by hand at a rate of 20 with clipping."""
import math
import random

import torch
from torch import nn

BATCH, STEPS, CLIP = 20, 20, 0.25
random.seed(1111)
torch.manual_seed(1111)
subjects, verbs, objects = "i you cats dogs we".split(), "eat like chase see".split(), "fish mice bread trees birds".split()
words = {w: i for i, w in enumerate([*subjects, *verbs, *objects, "<eos>", "not", "do"])}
text = []
for _ in range(6000):
    denial = ["do", "not"] if random.random() < 0.3 else []
    text += [words[w] for w in (random.choice(subjects), *denial, random.choice(verbs), random.choice(objects), "<eos>")]


def in_columns(tokens, n):
    tokens = torch.tensor(tokens)
    return tokens[: len(tokens) // n * n].view(n, -1).t().contiguous()


class Language(nn.Module):
    def __init__(self, size=32, layers=2):
        super().__init__()
        self.size, self.layers = size, layers
        self.drop = nn.Dropout(0.1)
        self.encoder = nn.Embedding(len(words), size)
        self.rnn = nn.LSTM(size, size, layers, dropout=0.1)
        self.decoder = nn.Linear(size, len(words))

    def forward(self, tokens, state):
        output, state = self.rnn(self.drop(self.encoder(tokens)), state)
        return self.decoder(self.drop(output)).view(-1, len(words)), state

    def start(self, n):
        weight = next(self.parameters())
        return weight.new_zeros(self.layers, n, self.size), weight.new_zeros(self.layers, n, self.size)


train_data, val_data = in_columns(text[: len(text) * 9 // 10], BATCH), in_columns(text[len(text) * 9 // 10 :], 10)
model = Language()
criterion = nn.CrossEntropyLoss()


def pieces(data):
    for i in range(0, len(data) - 1, STEPS):
        n = min(STEPS, len(data) - 1 - i)
        yield data[i : i + n], data[i + 1 : i + 1 + n].reshape(-1)


def evaluate():
    model.eval()
    total, state = 0.0, model.start(10)
    with torch.no_grad():
        for tokens, targets in pieces(val_data):
            output, state = model(tokens, state)
            total += len(tokens) * criterion(output, targets).item()
    return total / (len(val_data) - 1)


rate, best = 20.0, math.inf
for epoch in range(4):
    model.train()
    state = model.start(BATCH)
    for tokens, targets in pieces(train_data):
        model.zero_grad()
        state = tuple(s.detach() for s in state)
        output, state = model(tokens, state)
        loss = criterion(output, targets)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        for p in model.parameters():
            p.data.add_(p.grad, alpha=-rate)
    val_loss = evaluate()
    print(f"epoch {epoch} rate {rate} loss {loss.item():.3f} val_loss {val_loss:.3f} perplexity {math.exp(val_loss):.2f}")
    rate = rate if val_loss < best else rate / 4
    best = min(best, val_loss)
