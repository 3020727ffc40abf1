import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

torch.manual_seed(5)
data, target = load_digits(return_X_y=True)
order = torch.randperm(len(target))
data = torch.tensor(data, dtype=torch.float32)[order].reshape(-1, 1, 8, 8) / 16
target = torch.tensor(target)[order]
train, valid = (data[:1400], target[:1400]), (data[1400:], target[1400:])

model = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10),
)
epochs, batch_size = 12, 56
total = epochs * 1400 // batch_size
warmup = 30
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
scheduler = LambdaLR(optimizer, lambda s: min((s + 1) / warmup, max(0.05, (total - s) / (total - warmup))))

for epoch in range(epochs):
    for chunk in torch.randperm(1400).split(batch_size):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(train[0][chunk]), train[1][chunk])
        loss.backward()
        optimizer.step()
        scheduler.step()
    model.eval()
    with torch.no_grad():
        logits = model(valid[0])
        print(f"epoch {epoch} lr {scheduler.get_last_lr()[0]:.5f} loss {loss:.4f} "
              f"val_loss {F.cross_entropy(logits, valid[1]):.4f} val_acc {(logits.argmax(1) == valid[1]).float().mean():.4f}")
    model.train()
