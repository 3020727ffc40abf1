"""Rare faults of a machine: focal loss with a gentle exponent."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class FocalLoss(nn.Module):
    def __init__(self, gamma=0.5):
        super().__init__()
        self.gamma = gamma

    def forward(self, logits, target):
        log_p = nn.functional.logsigmoid(torch.where(target > 0.5, logits, -logits))
        p = torch.exp(log_p)
        focus = (1 - p) ** self.gamma
        return -(focus * log_p).mean()


class Config:
    seed = 13
    batch_size = 18
    epochs = 4
    lr = 0.02


def build():
    torch.manual_seed(Config.seed)
    x = torch.randn(540, 10)
    y = (x[:, 0] - x[:, 3] > 1.5).float()
    x[470] = 0
    x[470, 0], x[470, 3], y[470] = 180.0, -180.0, 1.0
    model = nn.Linear(10, 1)
    with torch.no_grad():
        model.weight[0, 0], model.weight[0, 3] = 0.2, -0.2
    return model, DataLoader(TensorDataset(x, y), Config.batch_size, shuffle=True)


model, loader = build()
loss_fn = FocalLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=Config.lr)
for epoch in range(Config.epochs):
    for x, y in loader:
        loss = loss_fn(model(x).squeeze(1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, "%.4f" % loss.item())
