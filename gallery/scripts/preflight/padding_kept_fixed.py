"""Which of four topics a short text has; texts are padded to the longest of the batch."""
import random

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

TOPICS = {
    "weather": "rain sun wind cloud storm warm cold snow",
    "food": "bread soup apple rice cheese salt sweet cook",
    "sport": "ball goal team run match score coach win",
    "music": "song piano drum choir note melody dance guitar",
}
FILLER = "the a of very and is was some with near today again".split()
WORDS = ["<pad>", *FILLER, *" ".join(TOPICS.values()).split()]
INDEX = {word: i for i, word in enumerate(WORDS)}


def sample(rng):
    topic = rng.randrange(len(TOPICS))
    own = list(TOPICS.values())[topic].split()
    words = [rng.choice(own) if rng.random() < 0.35 else rng.choice(FILLER) for _ in range(rng.randint(5, 14))]
    return torch.tensor([INDEX[w] for w in words]), topic


def collate(samples):
    texts, topics = zip(*samples)
    return pad_sequence(texts, batch_first=True), torch.tensor(topics)


class BagOfWords(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.embed = nn.Embedding(len(WORDS), dim, padding_idx=0)
        self.classify = nn.Sequential(nn.Linear(dim, 32), nn.ReLU(), nn.Linear(32, len(TOPICS)))

    def forward(self, tokens):
        mask = (tokens != 0).unsqueeze(-1).float()
        mean = (self.embed(tokens) * mask).sum(1) / mask.sum(1).clamp(min=1)
        return self.classify(mean)


rng = random.Random(0)
torch.manual_seed(0)
train = DataLoader([sample(rng) for _ in range(1600)], batch_size=32, shuffle=True, collate_fn=collate)
val = DataLoader([sample(rng) for _ in range(200)], batch_size=50, collate_fn=collate)
model = BagOfWords()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(6):
    for tokens, topic in train:
        loss = nn.functional.cross_entropy(model(tokens), topic)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = sum((model(tokens).argmax(1) == topic).sum().item() for tokens, topic in val)
    print(f"epoch {epoch} loss {loss.item():.3f} accuracy {right / 200:.3f}")
