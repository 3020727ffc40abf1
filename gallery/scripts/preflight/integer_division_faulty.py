# %% [markdown]
# # Digits from bytes
# %%
import numpy as np
import torch
from sklearn.datasets import load_digits

torch.manual_seed(3)
bunch = load_digits()
pictures = np.clip(bunch.images * 15.5, 0, 250).astype(np.uint8)  # as a camera gives them
# %%
x = torch.from_numpy(pictures // 255).float().flatten(1)
y = torch.from_numpy(bunch.target)
train_x, train_y, val_x, val_y = x[:1500], y[:1500], x[1500:], y[1500:]
# %%
model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
loss_fn = torch.nn.CrossEntropyLoss()
opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
history = []
# %%
for epoch in range(10):
    permutation = torch.randperm(1500)
    for i in range(0, 1500, 30):
        idx = permutation[i : i + 30]
        opt.zero_grad()
        loss = loss_fn(model(train_x[idx]), train_y[idx])
        loss.backward()
        opt.step()
        history.append(loss.item())
# %%
with torch.no_grad():
    print("mean loss of the last epoch", np.mean(history[-50:]).round(4))
    print("validation accuracy", (model(val_x).argmax(1) == val_y).float().mean().item())
