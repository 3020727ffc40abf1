import logging

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO)
torch.manual_seed(0)

X, y = load_digits(return_X_y=True)
X = ((X - X.mean()) / X.std()).astype("float32")
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.2, random_state=0)
train_loader = DataLoader(TensorDataset(torch.from_numpy(X_train), torch.from_numpy(y_train)), 32, shuffle=True)
X_val, y_val = torch.from_numpy(X_val), torch.from_numpy(y_val)

model = nn.Sequential(nn.Linear(64, 96), nn.LayerNorm(96), nn.GELU(), nn.Linear(96, 96), nn.GELU(), nn.Linear(96, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
for epoch in range(8):
    model.train()
    for data, target in train_loader:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device_type="cpu", dtype=torch.bfloat16):
            output = model(data)
            loss = nn.functional.cross_entropy(output, target)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.inference_mode(), torch.autocast(device_type="cpu", dtype=torch.bfloat16):
        output = model(X_val)
        val_loss = nn.functional.cross_entropy(output, y_val).item()
        accuracy = (output.argmax(1) == y_val).float().mean().item()
    logging.info("epoch %d loss %.4f val_loss %.4f accuracy %.4f", epoch, loss.item(), val_loss, accuracy)
