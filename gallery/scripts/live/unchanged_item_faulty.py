import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(8)
X, y = load_wine(return_X_y=True)
X = torch.tensor(StandardScaler().fit_transform(X), dtype=torch.float32)
y = torch.tensor(y)
perm = torch.randperm(178)
train = TensorDataset(X[perm[:138]], y[perm[:138]])
val_X, val_y = X[perm[138:]], y[perm[138:]]


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(13, 16)
        self.fc2 = nn.Linear(16, 3)
        self.loss = nn.CrossEntropyLoss()

    def forward(self, x, labels=None):
        logits = self.fc2(torch.tanh(self.fc1(x)))
        if labels is None:
            return logits
        return logits, self.loss(logits, labels)


model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-4)
for epoch in range(40):
    epoch_losses = []
    for x, labels in DataLoader(train, batch_size=16, shuffle=True):
        _, loss = model(x, labels)
        loss = torch.tensor(loss.item(), requires_grad=True)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        epoch_losses.append(loss.item())
    if epoch % 4 == 3:
        with torch.no_grad():
            logits, val_loss = model(val_X, val_y)
        print(f"{epoch + 1}\ttrain {sum(epoch_losses) / len(epoch_losses):.4f}\tval {val_loss.item():.4f}"
              f"\tacc {(logits.argmax(1) == val_y).float().mean():.3f}")
