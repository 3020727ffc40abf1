"""REINFORCE on a corridor: walk right for a reward. Advantages are standardised over the episode batch."""
import torch
from torch import nn
from torch.distributions import Categorical


class Corridor:
    def __init__(self, length=5):
        self.length = length

    def play(self, policy):
        position, log_probs, reward = 0, [], 0.0
        for _ in range(self.length + 3):
            state = torch.zeros(self.length + 1)
            state[position] = 1.0
            move = Categorical(logits=policy(state))
            action = move.sample()
            log_probs.append(move.log_prob(action))
            position = max(0, position + (1 if action.item() == 1 else -1))
            if position == self.length:
                reward = 1.0
                break
        return torch.stack(log_probs).sum(), reward


def advantages(rewards):
    rewards = torch.tensor(rewards)
    return (rewards - rewards.mean()) / rewards.std()


def main():
    torch.manual_seed(5)
    policy = nn.Linear(6, 2)
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.05)
    corridor = Corridor()
    for update in range(60):
        episodes = [corridor.play(policy) for _ in range(12)]
        log_probs = torch.stack([e[0] for e in episodes])
        advantage = advantages([e[1] for e in episodes])
        loss = -(log_probs * advantage).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if update % 15 == 0:
            print(update, "mean reward", sum(e[1] for e in episodes) / 12)


if __name__ == "__main__":
    main()
