"""Matrix factorisation for ratings of 60 users and 40 films."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

USERS, FILMS, RANK = 60, 40, 16


class Factorisation(nn.Module):
    def __init__(self):
        super().__init__()
        self.user = nn.Parameter(torch.randn(USERS, RANK) / RANK**0.5)
        self.film = nn.Parameter(torch.randn(FILMS, RANK) / RANK**0.5)
        self.bias = nn.Parameter(torch.zeros(USERS))

    def forward(self, user, film):
        return (self.user[user] * self.film[film]).sum(1) + self.bias[user]


def ratings(seed=0):
    g = torch.Generator().manual_seed(seed)
    a, b = torch.randn(USERS, 4, generator=g), torch.randn(FILMS, 4, generator=g)
    table = a @ b.T / 2 + 0.1 * torch.randn(USERS, FILMS, generator=g)
    user, film = torch.meshgrid(torch.arange(USERS), torch.arange(FILMS), indexing="ij")
    order = torch.randperm(USERS * FILMS, generator=g)
    return TensorDataset(user.flatten()[order], film.flatten()[order], table.flatten()[order])


torch.manual_seed(0)
everything = ratings()
model = Factorisation()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for epoch in range(15):
    for user, film, rating in DataLoader(torch.utils.data.Subset(everything, range(2000)), batch_size=50, shuffle=True):
        loss = nn.functional.mse_loss(model(user, film), rating)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        user, film, rating = everything[2000:]
        print(f"{epoch}: {loss.item():.4f} held out {nn.functional.mse_loss(model(user, film), rating).item():.4f}")
