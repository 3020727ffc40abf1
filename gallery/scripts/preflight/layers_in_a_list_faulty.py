"""Multi-layer perceptron on handwritten digits with a variable number of layers."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn, optim


class MLP(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.layers = [nn.Linear(a, b) for a, b in zip(sizes[:-2], sizes[1:-1])]
        self.output = nn.Linear(sizes[-2], sizes[-1])

    def forward(self, x):
        for layer in self.layers:
            x = F.relu(layer(x))
        return self.output(x)


def train(model, x, y, n_epochs=8):
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(n_epochs):
        permutation = torch.randperm(x.size(0))
        running_loss = 0.0
        for i in range(0, x.size(0), 32):
            indices = permutation[i:i + 32]
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[indices]), y[indices])
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        print("Epoch %d, loss %.4f" % (epoch + 1, running_loss / (x.size(0) / 32)))


if __name__ == "__main__":
    torch.manual_seed(42)
    data = load_digits()
    X = torch.FloatTensor(data.data) / 8 - 1
    Y = torch.LongTensor(data.target)
    mlp = MLP([64, 48, 48, 10])
    train(mlp, X[:1500], Y[:1500])
    print("Test accuracy: %.3f" % (mlp(X[1500:]).argmax(1) == Y[1500:]).float().mean())
