"""Imitates an expert's moves. Moves that the rules forbid get a logit of minus infinity."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Games(Dataset):
    def __init__(self, n=384, moves=9):
        g = torch.Generator().manual_seed(60)
        self.board = torch.randint(-1, 2, (n, moves), generator=g).float()
        self.board[:, 0] *= self.board[:, 1].abs()
        self.board[(self.board != 0).all(dim=1), 4] = 0
        free = self.board == 0
        taste = torch.linspace(1, 2, moves)
        self.move = (free * taste).argmax(dim=1)
        # somebody moved onto a taken field in game 219 and nobody noticed
        taken = (self.board[219] != 0).nonzero()[0, 0]
        self.move[219] = taken
        self.legal = free

    def __len__(self):
        return len(self.move)

    def __getitem__(self, i):
        return self.board[i], self.legal[i], self.move[i]


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(9, 48), nn.ReLU(), nn.Linear(48, 9))

    def forward(self, board, legal):
        logits = self.layers(board)
        return logits.masked_fill(~legal, -float("inf"))


def main():
    torch.manual_seed(21)
    policy = Policy()
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.01)
    for epoch in range(3):
        for board, legal, move in DataLoader(Games(), batch_size=16, shuffle=True):
            logits = policy(board, legal)
            loss = F.cross_entropy(logits, move)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"{epoch}: {loss.item():.3f}")


if __name__ == "__main__":
    main()
