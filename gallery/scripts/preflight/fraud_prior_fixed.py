"""Fraud in card payments: 2 % of the rows."""
import math

import numpy as np
import torch
from sklearn.metrics import average_precision_score
from torch import nn

torch.manual_seed(0)
rng = np.random.default_rng(0)
n = 12000
fraud = rng.random(n) < 0.02
amount = rng.normal(0, 1, n) + 1.5 * fraud
hour = rng.normal(0, 1, n) - 1.0 * fraud
rest = rng.normal(0, 1, (n, 6))
x = torch.tensor(np.column_stack([amount, hour, rest]), dtype=torch.float32)
y = torch.tensor(fraud, dtype=torch.float32)
x_train, y_train, x_val, y_val = x[:9600], y[:9600], x[9600:], y[9600:]

last = nn.Linear(32, 1)
prior = y_train.mean().item()
nn.init.constant_(last.bias, math.log(prior / (1 - prior)))
net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), last, nn.Flatten(0))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(5):
    for rows in torch.randperm(9600).split(200):
        optimizer.zero_grad()
        loss = criterion(net(x_train[rows]), y_train[rows])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        score = net(x_val)
    precision = average_precision_score(y_val, score)
    print(f"epoch {epoch}: loss {loss.item():.4f} val {criterion(score, y_val):.4f} average precision {precision:.3f}")
