"""Word vectors, with Adam as in an old recipe."""
import torch
from torch import nn

torch.manual_seed(1)
vocabulary, dim = 60, 8
corpus = torch.randint(0, 50, (2000,))  # the last ten words never occur
corpus[1::2] = (corpus[0::2] + 1) % 50


class SkipGram(nn.Module):
    def __init__(self):
        super().__init__()
        self.center = nn.Embedding(vocabulary, dim)
        self.context = nn.Linear(dim, vocabulary)

    def forward(self, words):
        return self.context(self.center(words))


model = SkipGram()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, eps=0)
for i in range(150):
    start = torch.randint(0, 1000, (40,)) * 2
    loss = nn.functional.cross_entropy(model(corpus[start]), corpus[start + 1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if i % 30 == 0:
        print(i, loss.item())
