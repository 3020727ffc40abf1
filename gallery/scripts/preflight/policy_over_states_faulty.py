"""Behaviour cloning: imitate an expert that walks to the goal of a grid world."""
import torch
from torch import nn


def expert(position, goal):
    """0 right, 1 left, 2 up, 3 down: along the longer way first."""
    d = goal - position
    horizontal = d[:, 0].abs() >= d[:, 1].abs()
    return torch.where(horizontal, (d[:, 0] < 0).long(), 2 + (d[:, 1] < 0).long())


def rollout(n):
    position, goal = torch.rand(n, 2) * 2 - 1, torch.rand(n, 2) * 2 - 1
    return torch.cat([position, goal], dim=1), expert(position, goal)


class Policy(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 4))
        self.softmax = nn.Softmax(dim=0)

    def forward(self, state):
        return self.softmax(self.body(state))


def imitation_loss(policy, state, action):
    probabilities = policy(state)
    chosen = probabilities.gather(1, action.unsqueeze(1)).squeeze(1)
    return -torch.log(chosen + 1e-8).mean()


torch.manual_seed(0)
policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=3e-3)
for iteration in range(400):
    state, action = rollout(64)
    loss = imitation_loss(policy, state, action)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if iteration % 80 == 79:
        with torch.no_grad():
            state, action = rollout(500)
            print(iteration + 1, f"loss {loss.item():.3f}", f"agrees {(policy(state).argmax(1) == action).float().mean():.3f}")
