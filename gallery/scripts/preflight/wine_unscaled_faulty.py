"""Cultivars of wine."""
import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from torch import nn, optim

torch.manual_seed(0)
features, cultivar = load_wine(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(features, cultivar, test_size=0.25, stratify=cultivar, random_state=0)
x_train, x_test = torch.tensor(x_train).float(), torch.tensor(x_test).float()
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)

classifier = nn.Sequential(nn.Linear(13, 24), nn.ReLU(), nn.Linear(24, 3))
optimizer = optim.SGD(classifier.parameters(), lr=0.02, momentum=0.9)
criterion = nn.CrossEntropyLoss()

for epoch in range(1, 31):
    shuffled = torch.randperm(len(x_train))
    for part in shuffled.split(16):
        optimizer.zero_grad()
        loss = criterion(classifier(x_train[part]), y_train[part])
        loss.backward()
        optimizer.step()
    if epoch % 10 == 0:
        with torch.no_grad():
            hits = (classifier(x_test).argmax(1) == y_test).sum().item()
        print(f"epoch {epoch:2d}  loss {loss.item():.4f}  {hits} of {len(y_test)} right")
