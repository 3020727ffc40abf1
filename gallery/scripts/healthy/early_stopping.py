"""Regression of diabetes progression with early stopping and a plateau schedule."""
import copy

import torch
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm


class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.best, self.bad, self.state = patience, float("inf"), 0, None

    def __call__(self, loss, model):
        if loss < self.best - 1e-4:
            self.best, self.bad, self.state = loss, 0, copy.deepcopy(model.state_dict())
        else:
            self.bad += 1
        return self.bad >= self.patience


def main():
    torch.manual_seed(0)
    X, y = load_diabetes(return_X_y=True)
    X_train, X_val, y_train, y_val = train_test_split(X, y.reshape(-1, 1), test_size=0.25, random_state=1)
    sx, sy = StandardScaler().fit(X_train), StandardScaler().fit(y_train)
    as_tensor = lambda a: torch.tensor(a, dtype=torch.float32)
    train = TensorDataset(as_tensor(sx.transform(X_train)), as_tensor(sy.transform(y_train)))
    X_val, y_val = as_tensor(sx.transform(X_val)), as_tensor(sy.transform(y_val))
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=3)
    stopping = EarlyStopping(patience=6)
    criterion = nn.MSELoss()
    for epoch in tqdm(range(60)):
        model.train()
        for xb, yb in DataLoader(train, batch_size=16, shuffle=True):
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            val_loss = criterion(model(X_val), y_val).item()
        scheduler.step(val_loss)
        if stopping(val_loss, model):
            print("stopped after epoch", epoch)
            break
    model.load_state_dict(stopping.state)
    print(f"validation MSE {stopping.best:.4f} of a variance of {y_val.var().item():.4f}")


if __name__ == "__main__":
    main()
