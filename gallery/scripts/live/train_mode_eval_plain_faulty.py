# four classes of a tabular problem, batch norm + dropout
import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(42)
X, y = make_classification(3000, 20, n_informative=10, n_classes=4, class_sep=1.6, random_state=5)
X = torch.tensor(X, dtype=torch.float)
X = (X - X.mean(0)) / X.std(0)
y = torch.tensor(y)
train_dl = DataLoader(TensorDataset(X[:2400], y[:2400]), batch_size=48, shuffle=True)
valid_dl = DataLoader(TensorDataset(X[2400:], y[2400:]), batch_size=48)

net = nn.Sequential(
    nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.4),
    nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.4),
    nn.Linear(64, 4),
)
opt = torch.optim.Adam(net.parameters(), lr=0.002)
loss_fn = nn.CrossEntropyLoss()

best = 0
for epoch in range(1, 16):
    net.train()
    for xb, yb in train_dl:
        opt.zero_grad()
        loss = loss_fn(net(xb), yb)
        loss.backward()
        opt.step()

    val_loss, hits = 0.0, 0
    with torch.no_grad():
        for xb, yb in valid_dl:
            out = net(xb)
            val_loss += loss_fn(out, yb).item() * len(yb)
            hits += (out.argmax(1) == yb).sum().item()
    acc = hits / 600
    best = max(best, acc)
    print("epoch", epoch, "loss", round(loss.item(), 4), "val_loss", round(val_loss / 600, 4), "val_acc", round(acc, 4))
print("best", best)
