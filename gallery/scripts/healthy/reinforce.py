"""REINFORCE on a corridor: the agent has to learn to walk to the right."""
import torch
from torch import nn
from torch.distributions import Categorical


class Corridor:
    """Positions 0 … 8, start in the middle; +1 at the right end, -1 at the left, a small cost per move."""

    def reset(self):
        self.position, self.moves = 4, 0
        return self.observe()

    def observe(self):
        x = torch.zeros(9)
        x[self.position] = 1
        return x

    def step(self, action):
        self.position += 1 if action == 1 else -1
        self.moves += 1
        if self.position in (0, 8):
            return self.observe(), (1.0 if self.position == 8 else -1.0), True
        return self.observe(), -0.02, self.moves >= 30


def play(policy, env):
    log_probs, rewards = [], []
    state, done = env.reset(), False
    while not done:
        distribution = Categorical(logits=policy(state))
        action = distribution.sample()
        state, reward, done = env.step(action.item())
        log_probs.append(distribution.log_prob(action))
        rewards.append(reward)
    return torch.stack(log_probs), rewards


def main():
    torch.manual_seed(0)
    env = Corridor()
    policy = nn.Sequential(nn.Linear(9, 32), nn.Tanh(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
    baseline, recent = 0.0, []
    for episode in range(1, 301):
        log_probs, rewards = play(policy, env)
        returns, g = [], 0.0
        for reward in reversed(rewards):
            g = reward + 0.97 * g
            returns.insert(0, g)
        returns = torch.tensor(returns)
        baseline += 0.05 * (returns[0].item() - baseline)
        policy_loss = -(log_probs * (returns - baseline)).mean()
        optimizer.zero_grad()
        policy_loss.backward()
        optimizer.step()
        recent.append(sum(rewards))
        if episode % 50 == 0:
            print(f"episode {episode}: mean reward of the last 50 {sum(recent[-50:]) / 50:.3f}")


if __name__ == "__main__":
    main()
