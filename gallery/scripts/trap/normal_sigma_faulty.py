"""Arrival times with an uncertainty; uses torch.distributions."""
import torch
from torch import nn
from torch.distributions import Normal
from torch.utils.data import DataLoader, Dataset


class Trips(Dataset):
    def __init__(self, n=390):
        g = torch.Generator().manual_seed(29)
        self.distance = torch.rand(n, generator=g) * 3 + 0.2
        self.minutes = 4 * self.distance * (1 + 0.2 * torch.randn(n, generator=g))
        self.distance[222], self.minutes[222] = 0.0, 1.0

    def __len__(self):
        return len(self.distance)

    def __getitem__(self, i):
        return self.distance[i:i + 1], self.minutes[i:i + 1]


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.speed = nn.Parameter(torch.tensor(3.0))
        self.rate = nn.Parameter(torch.tensor(0.5))

    def forward(self, distance):
        # the longer the way the more uncertain
        sigma = self.rate.abs() * distance
        return Normal(self.speed * distance, sigma, validate_args=False)


def main():
    torch.manual_seed(4)
    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(4):
        for distance, minutes in DataLoader(Trips(), batch_size=13, shuffle=True):
            arrival = model(distance)
            loss = -arrival.log_prob(minutes).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, model.speed.item(), model.rate.item())


if __name__ == "__main__":
    main()
