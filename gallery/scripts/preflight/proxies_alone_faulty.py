"""Metric learning on wine: each class has a proxy that its samples are drawn to."""
import torch
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional as F


class ProxyLoss(nn.Module):
    """Cross-entropy over cosine similarities to learned proxies."""

    def __init__(self, n_classes, dim, temperature=0.2):
        super().__init__()
        self.proxies = nn.Parameter(torch.randn(n_classes, dim))
        self.temperature = temperature

    def forward(self, embeddings, labels):
        similarity = F.normalize(embeddings, dim=1) @ F.normalize(self.proxies, dim=1).T
        return F.cross_entropy(similarity / self.temperature, labels)


def main():
    torch.manual_seed(5)
    x, y = load_wine(return_X_y=True)
    x, y = torch.tensor(StandardScaler().fit_transform(x), dtype=torch.float32), torch.tensor(y)
    order = torch.randperm(len(x))
    train, test = order[:130], order[130:]
    net = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 8))
    criterion = ProxyLoss(3, 8)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for epoch in range(30):
        for rows in train[torch.randperm(len(train))].split(26):
            loss = criterion(net(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 10 == 9:
            with torch.no_grad():
                nearest = (F.normalize(net(x[test]), dim=1) @ F.normalize(criterion.proxies, dim=1).T).argmax(1)
            print(epoch + 1, "loss", round(loss.item(), 4), "accuracy", (nearest == y[test]).float().mean().item())


main()
