"""Fitted Q iteration on a chain of 10 states: going right pays at the end."""
import random

import torch
from torch import nn

N_STATES, GAMMA = 10, 0.9


def transitions(n, rng):
    rows = []
    for _ in range(n):
        state, action = rng.randrange(N_STATES), rng.randrange(2)
        following = min(max(state + (1 if action else -1), 0), N_STATES - 1)
        rows.append((state, action, float(following == N_STATES - 1), following))
    return rows


def one_hot(states):
    return 2 * nn.functional.one_hot(torch.tensor(states), N_STATES).float() - 0.2


class QNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(N_STATES, 32), nn.Linear(32, 2)

    def forward(self, s):
        return self.fc2(torch.relu(self.fc1(s)))


def update(online, target, optimizer, rows):
    states, actions, rewards, following = zip(*rows)
    q = online(one_hot(states)).gather(1, torch.tensor(actions).unsqueeze(1)).squeeze(1)
    with torch.no_grad():
        wanted = torch.tensor(rewards) + GAMMA * target(one_hot(following)).max(dim=1).values
    loss = nn.functional.smooth_l1_loss(q, wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


rng = random.Random(0)
torch.manual_seed(0)
online, target = QNet(), QNet()
target.load_state_dict(online.state_dict())
optimizer = torch.optim.Adam(online.parameters(), lr=3e-3)
memory = transitions(2000, rng)
for step in range(1, 801):
    td = update(online, target, optimizer, rng.sample(memory, 64))
    if step % 40 == 0:
        target.load_state_dict(online.state_dict())
    if step % 200 == 0:
        with torch.no_grad():
            right = (online(one_hot(range(N_STATES))).argmax(1) == 1).sum().item()
        print(f"step {step}: td loss {td:.4f}, goes right in {right} of {N_STATES} states")
