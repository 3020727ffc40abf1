"""An LSTM tells whether a sequence of plus and minus signs ends above where it began."""
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset


class Walks(Dataset):
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        self.walks = []
        for _ in range(n):
            length = int(torch.randint(16, 30, (1,), generator=g))
            self.walks.append(torch.randint(0, 2, (length,), generator=g))

    def __len__(self):
        return len(self.walks)

    def __getitem__(self, i):
        walk = self.walks[i]
        return walk, int((2 * walk - 1).sum() > 0)


def collate(batch):
    batch.sort(key=lambda item: -len(item[0]))
    walks, labels = zip(*batch)
    lengths = torch.tensor([len(w) for w in walks])
    return pad_sequence(walks, batch_first=True), lengths, torch.tensor(labels)


class Model(nn.Module):
    def __init__(self, dim=16, hidden=32):
        super().__init__()
        self.embed = nn.Embedding(2, dim)
        self.lstm = nn.LSTM(dim, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 2)

    def forward(self, walks, lengths):
        packed = pack_padded_sequence(self.embed(walks), lengths, batch_first=True)
        _, (h, _) = self.lstm(packed)
        return self.out(h[-1])


torch.manual_seed(0)
train_loader = DataLoader(Walks(2400, 0), batch_size=40, shuffle=True, collate_fn=collate)
val_loader = DataLoader(Walks(400, 1), batch_size=100, collate_fn=collate)
model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(6):
    model.train()
    for walks, lengths, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(walks, lengths), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
    model.eval()
    val_loss, hits = 0.0, 0
    with torch.no_grad():
        for walks, lengths, labels in val_loader:
            logits = model(walks, lengths)
            val_loss += criterion(logits, labels).item() / len(val_loader)
            hits += (logits.argmax(1) == labels).sum().item()
    print(f"epoch {epoch} loss {loss.item():.4f} val_loss {val_loss:.4f} val_acc {hits / 400:.3f}")
