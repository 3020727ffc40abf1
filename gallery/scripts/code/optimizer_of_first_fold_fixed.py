"""Cross-validation on wine."""
import numpy as np
import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler
from torch import nn


class WineNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(13, 20), nn.Linear(20, 3)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x)))


torch.manual_seed(0)
np.random.seed(0)
X, y = load_wine(return_X_y=True)
X, y = torch.tensor(StandardScaler().fit_transform(X), dtype=torch.float32), torch.tensor(y)
scores = []
for fold, (train, val) in enumerate(StratifiedKFold(4, shuffle=True, random_state=0).split(X, y)):
    model = WineNet()  # no fold may start from the weights of another
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(15):
        for rows in torch.from_numpy(train)[torch.randperm(len(train))].split(16):
            loss = nn.functional.cross_entropy(model(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        scores.append((model(X[val]).argmax(1) == y[val]).float().mean().item())
    print(f"fold {fold}: loss {loss.item():.4f} accuracy {scores[-1]:.3f}")
print("mean accuracy", np.mean(scores))
