"""Pretrain on all digits, then train only the head (and the last block) for odd against even."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
bunch = load_digits()
x = torch.tensor(bunch.images, dtype=torch.float32)[:, None] / 16
y = torch.tensor(bunch.target)
order = torch.randperm(len(y))
x, y = x[order], y[order]

backbone = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Flatten(),
)


def fit(model, optimizer, x, y, epochs, val):
    for epoch in range(epochs):
        model.train()
        for xb, yb in DataLoader(TensorDataset(x, y), batch_size=45, shuffle=True):
            loss = nn.functional.cross_entropy(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            logits = model(val[0])
            val_loss = nn.functional.cross_entropy(logits, val[1])
            acc = (logits.argmax(1) == val[1]).float().mean()
        print(f"epoch {epoch}: loss {loss.item():.4f} val {val_loss.item():.4f} acc {acc.item():.4f}")


print("pretraining on ten classes")
pretrained = nn.Sequential(backbone, nn.Linear(512, 10))
fit(pretrained, torch.optim.Adam(pretrained.parameters(), lr=2e-3), x[:900], y[:900], 5, (x[1500:], y[1500:]))

print("fine-tuning: even or odd, first convolution frozen")
for p in backbone[0].parameters():
    p.requires_grad = False
model = nn.Sequential(backbone, nn.Linear(512, 2))
trainable = [p for p in model.parameters() if p.requires_grad]
print(sum(p.numel() for p in trainable), "of", sum(p.numel() for p in model.parameters()), "parameters are trained")
optimizer = torch.optim.SGD(trainable, lr=0.02, momentum=0.9)
fit(model, optimizer, x[900:1500], y[900:1500] % 2, 6, (x[1500:], y[1500:] % 2))
