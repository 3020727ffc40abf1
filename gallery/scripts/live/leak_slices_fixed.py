import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(2)
x, y = load_digits(return_X_y=True)
perm = torch.randperm(len(x))
x = torch.tensor(x, dtype=torch.float32)[perm] / 16
y = torch.tensor(y)[perm]

n_train = 1400
train_x, train_y = x[:n_train], y[:n_train]
val_x, val_y = x[n_train:], y[n_train:]

w1 = (torch.randn(64, 50) * 0.15).requires_grad_()
b1 = torch.zeros(50, requires_grad=True)
w2 = (torch.randn(50, 10) * 0.15).requires_grad_()
b2 = torch.zeros(10, requires_grad=True)
params = [w1, b1, w2, b2]


def forward(x):
    return torch.relu(x @ w1 + b1) @ w2 + b2


optimizer = torch.optim.SGD(params, lr=0.05, momentum=0.9)
batch = 50
for epoch in range(12):
    order = torch.randperm(n_train)
    for i in range(0, n_train, batch):
        idx = order[i:i + batch]
        loss = F.cross_entropy(forward(train_x[idx]), train_y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        val_loss, right = 0.0, 0
        for i in range(0, len(val_x), batch):
            out = forward(val_x[i:i + batch])
            val_loss += F.cross_entropy(out, val_y[i:i + batch], reduction="sum").item()
            right += (out.argmax(1) == val_y[i:i + batch]).sum().item()
    print(f"epoch {epoch:2d} | train loss {loss.item():.4f} | val loss {val_loss / len(val_x):.4f} | "
          f"val acc {right / len(val_x):.4f}")
