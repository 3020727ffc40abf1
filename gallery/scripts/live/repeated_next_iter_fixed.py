import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(11)
bunch = load_digits()
dataset = TensorDataset(torch.tensor(bunch.data, dtype=torch.float32) / 16, torch.tensor(bunch.target))
train_set, val_set = random_split(dataset, [1500, 297])
train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
val_loader = DataLoader(val_set, batch_size=297)

model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()

n_steps = 800
step = 0
batches = iter(train_loader)
while step < n_steps:
    try:
        inputs, targets = next(batches)
    except StopIteration:
        batches = iter(train_loader)
        continue
    optimizer.zero_grad()
    loss = criterion(model(inputs), targets)
    loss.backward()
    optimizer.step()
    step += 1
    if step % 100 == 0:
        model.eval()
        with torch.no_grad():
            x, t = next(iter(val_loader))
            logits = model(x)
            val_loss = criterion(logits, t).item()
            accuracy = (logits.argmax(1) == t).float().mean().item()
        model.train()
        print(f"step {step} loss {loss.item():.4f} val_loss {val_loss:.4f} val_accuracy {accuracy:.3f}")
