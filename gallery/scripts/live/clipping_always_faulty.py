import torch
import torch.nn as nn
from torch.nn.utils import clip_grad_norm_

torch.manual_seed(0)
vocab = "abcdefgh "
words = ["bad", "cab", "dab", "fab", "gab", "had", "bag", "cage", "face", "head", "bead", "deaf"]
g = torch.Generator().manual_seed(1)
text = " ".join(words[i] for i in torch.randint(0, len(words), (6000,), generator=g).tolist())
ids = torch.tensor([vocab.index(c) for c in text])
split = int(0.9 * len(ids))
train_ids, val_ids = ids[:split], ids[split:]


class CharLSTM(nn.Module):
    def __init__(self, n, dim=32):
        super().__init__()
        self.embed = nn.Embedding(n, dim)
        self.lstm = nn.LSTM(dim, dim, batch_first=True)
        self.out = nn.Linear(dim, n)

    def forward(self, x):
        h, _ = self.lstm(self.embed(x))
        return self.out(h)


def get_batch(source, n=32, length=24):
    starts = torch.randint(0, len(source) - length - 1, (n,))
    x = torch.stack([source[s:s + length] for s in starts.tolist()])
    y = torch.stack([source[s + 1:s + length + 1] for s in starts.tolist()])
    return x, y


model = CharLSTM(len(vocab))
optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
for step in range(500):
    x, y = get_batch(train_ids)
    loss = nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten())
    optimizer.zero_grad()
    loss.backward()
    clip_grad_norm_(model.parameters(), max_norm=0.001)
    optimizer.step()
    if step % 50 == 49:
        model.eval()
        with torch.no_grad():
            x, y = get_batch(val_ids, 128)
            val_loss = nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten())
        model.train()
        print(f"step {step + 1}: loss {loss.item():.4f}, val {val_loss.item():.4f}")
