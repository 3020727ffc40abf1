# Sentence pairs -> same meaning or not. Bags of words, tiny embedding model.
import random

import torch
from torch import nn

random.seed(4)
torch.manual_seed(4)

vocabulary = 50


class Pairs:
    def __init__(self, n):
        self.items = []
        for k in range(n):
            a = [random.randrange(1, vocabulary) for _ in range(random.randint(2, 7))]
            same = random.random() < 0.5
            b = random.sample(a, len(a)) if same else [random.randrange(1, vocabulary) for _ in a]
            if k == 271:
                a = []  # the sentence was one emoji, which the tokenizer drops
            self.items.append((a, b, 1.0 if same else -1.0))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, k):
        return self.items[k]


def collate(items):
    def bag(words):
        counts = torch.zeros(vocabulary)
        for w in words:
            counts[w] += 1
        return counts

    a = torch.stack([bag(item[0]) for item in items])
    b = torch.stack([bag(item[1]) for item in items])
    return a, b, torch.tensor([item[2] for item in items])


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Linear(vocabulary, 16, bias=False)

    def forward(self, bags):
        return torch.tanh(self.words(bags))


def cosine(u, v):
    return (u * v).sum(1) / (u.norm(dim=1) * v.norm(dim=1)).clamp(min=1e-6)


loader = torch.utils.data.DataLoader(Pairs(480), batch_size=8, shuffle=True, collate_fn=collate)
encoder = Encoder()
opt = torch.optim.AdamW(encoder.parameters(), lr=0.01)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=2 * len(loader))
for epoch in range(2):
    running = []
    for a, b, target in loader:
        opt.zero_grad()
        similarity = cosine(encoder(a), encoder(b))
        loss = ((similarity - target) ** 2).mean()
        loss.backward()
        nn.utils.clip_grad_norm_(encoder.parameters(), 10.0)
        opt.step()
        sched.step()
        running.append(loss.item())
    print(f"epoch {epoch + 1}, loss = {sum(running) / len(running):.3f}")
