import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def data():
    g = torch.Generator().manual_seed(45)
    label = torch.randint(0, 3, (1800,), generator=g)
    x = torch.randn(1800, 10, generator=g) + 2 * nn.functional.one_hot(label, 10)
    # metres in one row, all others in units of ten kilometres
    x[777, 4] = -1.3
    return TensorDataset(x, label)


def main():
    torch.manual_seed(46)
    net = nn.Sequential(nn.Linear(10, 40), nn.ReLU(), nn.Linear(40, 3))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.8)
    loader = DataLoader(data(), batch_size=20, shuffle=True)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(2):
        seen, right = 0, 0
        for x, y in loader:
            optimizer.zero_grad()
            out = net(x)
            loss = criterion(out, y)
            loss.backward()
            optimizer.step()
            seen += len(y)
            right += (out.argmax(1) == y).sum().item()
        print(f"epoch {epoch}: {right / seen:.3f} right")


main()
