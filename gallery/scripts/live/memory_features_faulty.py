import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 32, 3, padding=1)
        self.fc1 = nn.Linear(32 * 16, 64)
        self.fc2 = nn.Linear(64, 10)
        self.activations = []

    def forward(self, x):
        x = torch.max_pool2d(torch.relu(self.conv(x)), 2)
        if self.training:
            self.activations.append(x)
        x = torch.relu(self.fc1(x.flatten(1)))
        return self.fc2(x)


def main():
    torch.manual_seed(0)
    bunch = load_digits()
    images = torch.tensor(bunch.images, dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(bunch.target)
    perm = torch.randperm(len(labels))
    train, test = perm[:1440], perm[1440:]
    loader = DataLoader(TensorDataset(images[train], labels[train]), batch_size=48, shuffle=True)
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(12):
        net.train()
        for i, (x, y) in enumerate(loader):
            loss = nn.functional.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            logits = net(images[test])
            val_loss = nn.functional.cross_entropy(logits, labels[test])
            accuracy = (logits.argmax(1) == labels[test]).float().mean()
        print(f"epoch {epoch}: loss {loss.item():.4f} val loss {val_loss.item():.4f} accuracy {accuracy.item():.4f} "
              f"({len(net.activations)} activations seen)")


if __name__ == "__main__":
    main()
