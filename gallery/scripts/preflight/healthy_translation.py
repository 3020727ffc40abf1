"""Translate numbers into their reverse with nn.Transformer; (time, batch) layout."""
import random

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

PAD, BEGIN, END = 0, 1, 2


def pair(rng):
    digits = [rng.randrange(3, 13) for _ in range(rng.randint(3, 7))]
    return torch.tensor(digits), torch.tensor([BEGIN, *reversed(digits), END])


class Translator(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.embed, self.place = nn.Embedding(13, dim, padding_idx=PAD), nn.Embedding(10, dim)
        self.transformer = nn.Transformer(dim, 4, 1, 1, 2 * dim, dropout=0.0)
        self.out = nn.Linear(dim, 13)

    def lay(self, tokens):
        return self.embed(tokens) + self.place(torch.arange(len(tokens))).unsqueeze(1)

    def forward(self, source, target):
        mask = torch.triu(torch.ones(len(target), len(target), dtype=torch.bool), diagonal=1)
        hidden = self.transformer(self.lay(source), self.lay(target), tgt_mask=mask, src_key_padding_mask=(source == PAD).T,
                                  memory_key_padding_mask=(source == PAD).T, tgt_key_padding_mask=(target == PAD).T)
        return self.out(hidden)


rng = random.Random(0)
torch.manual_seed(0)
model = Translator()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(300):
    sources, targets = zip(*(pair(rng) for _ in range(40)))
    source, target = pad_sequence(sources), pad_sequence(targets)
    logits = model(source, target[:-1])
    loss = nn.functional.cross_entropy(logits.reshape(-1, 13), target[1:].reshape(-1), ignore_index=PAD)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 60 == 59:
        print(f"step {step + 1}: {loss.item():.4f}")
