"""Q-learning with a replay buffer and a target network on a small grid."""
import random
from collections import deque, namedtuple

import torch
from torch import nn

Transition = namedtuple("Transition", "state action reward next_state done")
SIZE, GOAL = 4, (3, 3)
MOVES = [(0, 1), (1, 0), (0, -1), (-1, 0)]


def encode(cell):
    x = torch.zeros(2 * SIZE)
    x[cell[0]] = x[SIZE + cell[1]] = 1
    return x


def move(cell, action):
    row, column = cell[0] + MOVES[action][0], cell[1] + MOVES[action][1]
    cell = (min(max(row, 0), SIZE - 1), min(max(column, 0), SIZE - 1))
    return cell, (1.0 if cell == GOAL else -0.05), cell == GOAL


class Agent:
    def __init__(self):
        self.online = self.network()
        self.target = self.network()
        self.target.load_state_dict(self.online.state_dict())
        for p in self.target.parameters():
            p.requires_grad_(False)
        self.optimizer = torch.optim.Adam(self.online.parameters(), lr=1e-3)
        self.memory = deque(maxlen=2000)
        self.epsilon = 1.0
        self.updates = 0

    @staticmethod
    def network():
        return nn.Sequential(nn.Linear(2 * SIZE, 48), nn.ReLU(), nn.Linear(48, 4))

    def act(self, cell):
        if random.random() < self.epsilon:
            return random.randrange(4)
        with torch.no_grad():
            return int(self.online(encode(cell)).argmax())

    def learn(self):
        if len(self.memory) < 200:
            return None
        batch = Transition(*zip(*random.sample(self.memory, 32)))
        state, next_state = torch.stack(batch.state), torch.stack(batch.next_state)
        action, reward, done = (torch.tensor(v) for v in (batch.action, batch.reward, batch.done))
        q = self.online(state).gather(1, action[:, None]).squeeze(1)
        with torch.no_grad():
            expected = reward + 0.9 * self.target(next_state).max(1).values * ~done
        td_loss = nn.functional.smooth_l1_loss(q, expected)
        self.optimizer.zero_grad()
        td_loss.backward()
        self.optimizer.step()
        self.updates += 1
        if self.updates % 50 == 0:
            self.target.load_state_dict(self.online.state_dict())
        return td_loss.item()


random.seed(0)
torch.manual_seed(0)
agent, lengths = Agent(), []
for episode in range(1, 181):
    cell, done, n = (0, 0), False, 0
    while not done and n < 40:
        action = agent.act(cell)
        next_cell, reward, done = move(cell, action)
        agent.memory.append(Transition(encode(cell), action, reward, encode(next_cell), done))
        cell, n = next_cell, n + 1
        td_loss = agent.learn()
    agent.epsilon = max(0.05, agent.epsilon * 0.97)
    lengths.append(n)
    if episode % 30 == 0:
        print(f"episode {episode}: td_loss {td_loss or float('nan'):.4f} mean length {sum(lengths[-30:]) / 30:.1f} "
              f"epsilon {agent.epsilon:.2f}")
