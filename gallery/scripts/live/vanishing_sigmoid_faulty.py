import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

N_LAYERS = 9
WIDTH = 48


class DeepNet(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.inp = nn.Linear(n_in, WIDTH)
        self.hidden = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(N_LAYERS))
        self.out = nn.Linear(WIDTH, n_out)

    def forward(self, x):
        h = torch.sigmoid(self.inp(x))
        for layer in self.hidden:
            h = torch.sigmoid(layer(h))
        return self.out(h)


def main():
    torch.manual_seed(1)
    x, y = load_digits(return_X_y=True)
    x = torch.tensor(x / 8 - 0.6, dtype=torch.float32)
    y = torch.tensor(y)
    order = torch.randperm(len(y))
    train = TensorDataset(x[order[:1440]], y[order[:1440]])
    x_val, y_val = x[order[1440:]], y[order[1440:]]
    model = DeepNet(64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(7):
        model.train()
        for xb, yb in DataLoader(train, batch_size=48, shuffle=True):
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            logits = model(x_val)
            print(f"epoch {epoch}  loss {loss.item():.4f}  val_loss {criterion(logits, y_val).item():.4f}  "
                  f"val_acc {(logits.argmax(1) == y_val).float().mean().item():.3f}")


if __name__ == "__main__":
    main()
