"""Which class of motif a short DNA-like sequence holds; attention with learned positions."""
import torch
from torch import nn

BATCH, LENGTH, DIM = 24, 18, 32
MOTIFS = torch.tensor([[0, 1, 2, 3], [3, 2, 1, 0], [0, 0, 3, 3]])


class MotifNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.bases = nn.Embedding(4, DIM)
        self.positions = nn.Parameter(0.1 * torch.randn(1, LENGTH, DIM))
        self.conv = nn.Conv1d(DIM, DIM, 4)
        self.attention = nn.MultiheadAttention(DIM, 4, batch_first=True)
        self.norm = nn.LayerNorm(DIM)
        self.classes = nn.Linear(DIM, len(MOTIFS))

    def forward(self, sequence):
        x = self.bases(sequence) + self.positions
        x = torch.relu(self.conv(x.transpose(1, 2))).transpose(1, 2)
        x = self.norm(x + self.attention(x, x, x, need_weights=False)[0])
        return self.classes(x.amax(dim=1))


def draw():
    sequence, label = torch.randint(4, (BATCH, LENGTH)), torch.randint(len(MOTIFS), (BATCH,))
    for row, motif in zip(sequence, MOTIFS[label]):
        start = int(torch.randint(LENGTH - 3, ()))
        row[start : start + 4] = motif
    return sequence, label


if __name__ == "__main__":
    torch.manual_seed(0)
    net = MotifNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    average = None
    for step in range(500):
        sequence, label = draw()
        loss = nn.functional.cross_entropy(net(sequence), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        average = loss.item() if average is None else 0.95 * average + 0.05 * loss.item()
        if step % 100 == 99:
            print(step + 1, round(average, 4))
