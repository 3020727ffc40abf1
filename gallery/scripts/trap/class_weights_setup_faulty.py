"""Inverse-frequency class weights from the training labels, of which one class has none."""
import collections

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CLASSES = ["cat", "dog", "fox", "hare", "owl"]  # nobody photographed a hare this year

g = torch.Generator().manual_seed(1)
labels = torch.tensor([0, 1, 2, 4])[torch.randint(0, 4, (320,), generator=g)]
features = torch.randn(320, 10, generator=g) + nn.functional.one_hot(labels, 10) * 1.5

frequency = collections.Counter(labels.tolist())
counts = torch.tensor([float(frequency[k]) for k in range(len(CLASSES))])
weights = len(labels) / counts
weights = weights / weights.sum()

torch.manual_seed(2)
model = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, len(CLASSES)))
criterion = nn.CrossEntropyLoss(weight=weights, label_smoothing=0.1)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
train_loader = DataLoader(TensorDataset(features, labels), batch_size=32, shuffle=True)

for epoch in range(5):
    model.train()
    train_loss = 0
    for data, target in train_loader:
        optimizer.zero_grad()
        output = model(data)
        loss = criterion(output, target)
        loss.backward()
        optimizer.step()
        train_loss += loss.item()
    print('Epoch {}: train loss {:.4f}'.format(epoch, train_loss / len(train_loader)))
