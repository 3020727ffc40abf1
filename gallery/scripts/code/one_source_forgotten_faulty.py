"""Word vectors from pairs of neighbours, with negative sampling."""
import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

N_WORDS = 40


def seed_everything(seed):
    torch.manual_seed(seed)
    np.random.seed(seed)


def pairs(n):
    """Words of the same ten often stand beside each other."""
    word = np.random.randint(0, N_WORDS, n)
    beside = word // 10 * 10 + np.random.randint(0, 10, n)
    return word, beside


class SkipGram(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.centre, self.context = nn.Embedding(N_WORDS, dim), nn.Embedding(N_WORDS, dim)
        nn.init.normal_(self.centre.weight, std=0.1)
        nn.init.normal_(self.context.weight, std=0.1)

    def forward(self, word, context):
        return (self.centre(word).unsqueeze(1) * self.context(context)).sum(-1)


def main():
    seed_everything(1)
    model = SkipGram()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step in range(400):
        word, beside = pairs(64)
        negatives = [[random.randrange(N_WORDS) for _ in range(4)] for _ in range(64)]
        context = torch.cat([torch.tensor(beside).unsqueeze(1), torch.tensor(negatives)], dim=1)
        wanted = torch.zeros(64, 5)
        wanted[:, 0] = 1
        loss = F.binary_cross_entropy_with_logits(model(torch.tensor(word), context), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 99:
            print("step", step + 1, "loss", round(loss.item(), 4))


if __name__ == "__main__":
    main()
