"""Name the language of a word: a GRU over letters (words are made up by syllables)."""
import random

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

SYLLABLES = {"north": "sk ur vik hol dal ny berg".split(), "south": "la to rio ma che ni za".split(),
             "east": "ov ka sha mi ro ska tsa".split()}
LETTERS = " " + "".join(sorted(set("".join("".join(s) for s in SYLLABLES.values()))))


def word(rng):
    label = rng.randrange(3)
    parts = list(SYLLABLES.values())[label]
    others = [s for group in SYLLABLES.values() for s in group]
    return "".join(rng.choice(parts if rng.random() < 0.8 else others) for _ in range(rng.randint(2, 4))), label


def tensors(words):
    texts, labels = zip(*words)
    return pad_sequence([torch.tensor([LETTERS.index(c) for c in t]) for t in texts], batch_first=True), torch.tensor(labels)


class LetterGRU(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.letters = nn.Embedding(len(LETTERS), 16)
        self.gru = nn.GRU(16, hidden, batch_first=True)
        self.linear = nn.Linear(hidden, 3)
        self.log_softmax = nn.LogSoftmax(dim=-1)

    def forward(self, x):
        _, last = self.gru(self.letters(x))
        return self.log_softmax(self.linear(last[-1]))


if __name__ == "__main__":
    rng = random.Random(0)
    torch.manual_seed(0)
    words = [word(rng) for _ in range(2200)]
    train, (x_val, y_val) = words[:2000], tensors(words[2000:])
    model = LetterGRU()
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(3):
        rng.shuffle(train)
        for i in range(0, len(train), 40):
            x, y = tensors(train[i : i + 40])
            model.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            print(epoch, loss.item(), (model(x_val).argmax(1) == y_val).float().mean().item())
