"""Learns which way a head looks. The loss is the angle between two directions."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Heads(Dataset):
    FRONT = torch.tensor([0.0, 0.0, 1.0])

    def __init__(self, n=330):
        g = torch.Generator().manual_seed(23)
        self.landmarks = torch.randn(n, 14, generator=g)
        turn = self.landmarks @ torch.randn(14, 3, generator=g) / 14 ** 0.5
        self.gaze = nn.functional.normalize(self.FRONT + 0.5 * turn, dim=1)
        self.landmarks[77] = 0.0
        self.gaze[77] = self.FRONT

    def __len__(self):
        return len(self.gaze)

    def __getitem__(self, i):
        return self.landmarks[i], self.gaze[i]


class GazeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.turn = nn.Sequential(nn.Linear(14, 32, bias=False), nn.Tanh(), nn.Linear(32, 3, bias=False))

    def forward(self, landmarks):
        return nn.functional.normalize(Heads.FRONT + self.turn(landmarks), dim=1)


def angular_loss(predicted, true):
    cosine = (predicted * true).sum(dim=1)
    return torch.acos(cosine.clamp(-1 + 1e-6, 1 - 1e-6)).mean()


def fit(net, data, epochs=3):
    optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
    history = []
    for _ in range(epochs):
        for landmarks, gaze in data:
            loss = angular_loss(net(landmarks), gaze)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            history.append(loss.item())
    return history


if __name__ == "__main__":
    torch.manual_seed(3)
    history = fit(GazeNet(), DataLoader(Heads(), batch_size=11, shuffle=True))
    print("angle at first", history[0], "and at last", history[-1])
