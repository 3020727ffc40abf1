"""A recurrent net on long sequences; the mean loss of the epoch is printed at its end."""
import torch
from torch import nn

torch.manual_seed(0)
STEPS_PER_EPOCH, EPOCHS = 60, 8


class Adder(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.hidden = hidden
        self.cell = nn.GRUCell(2, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        h = x.new_zeros(len(x), self.hidden)
        for t in range(x.shape[1]):
            h = self.cell(x[:, t], h)
        return self.out(h).squeeze(1)


def adding_problem(n, length=16):
    value = torch.rand(n, length)
    mark = torch.zeros(n, length)
    rows = torch.arange(n)
    first = torch.randint(0, length // 2, (n,))
    second = torch.randint(length // 2, length, (n,))
    mark[rows, first] = mark[rows, second] = 1
    return torch.stack([value, mark], -1), value[rows, first] + value[rows, second] - 1


model = Adder()
optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
val_x, val_y = adding_problem(400)
losses = []
for epoch in range(EPOCHS):
    for _ in range(STEPS_PER_EPOCH):
        x, y = adding_problem(64)
        prediction = model(x)
        loss = nn.functional.mse_loss(prediction, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    recent = losses[-STEPS_PER_EPOCH:]
    with torch.no_grad():
        val_loss = nn.functional.mse_loss(model(val_x), val_y)
    print(f"epoch {epoch} mean loss {float(sum(recent)) / len(recent):.4f} val {val_loss.item():.4f}")
