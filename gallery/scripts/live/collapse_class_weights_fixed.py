"""Thyroid-like screening: three classes of very different size, class weights in the loss."""
import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
X, y = make_classification(
    4000, 15, n_informative=8, n_classes=3, n_clusters_per_class=1, weights=[0.8, 0.13, 0.07], class_sep=1.0,
    random_state=3,
)
X_train, X_val, y_train, y_val = train_test_split(X.astype(np.float32), y, test_size=0.25, stratify=y, random_state=0)
mean, std = X_train.mean(0), X_train.std(0)
train_ds = TensorDataset(torch.from_numpy((X_train - mean) / std), torch.from_numpy(y_train))
val_ds = TensorDataset(torch.from_numpy((X_val - mean) / std), torch.from_numpy(y_val))
train_dl = DataLoader(train_ds, 64, shuffle=True)
val_dl = DataLoader(val_ds, 250)

frequency = np.bincount(y_train) / len(y_train)
class_weights = torch.tensor(1 / frequency / (1 / frequency).sum() * 3, dtype=torch.float32)
criterion = nn.CrossEntropyLoss(weight=class_weights)
model = nn.Sequential(nn.Linear(15, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-3)

for epoch in range(1, 13):
    model.train()
    for features, labels in train_dl:
        optimizer.zero_grad()
        loss = criterion(model(features), labels)
        loss.backward()
        optimizer.step()
    model.eval()
    val_loss, predicted = 0.0, []
    with torch.no_grad():
        for features, labels in val_dl:
            logits = model(features)
            val_loss += criterion(logits, labels).item() / len(val_dl)
            predicted.append(logits.argmax(1))
    predicted = torch.cat(predicted).numpy()
    print(f"{epoch}: loss {loss.item():.3f} val loss {val_loss:.3f} accuracy {(predicted == y_val).mean():.3f} "
          f"balanced {balanced_accuracy_score(y_val, predicted):.3f}")
