"""Healthy runs: reinforcement learning, where the loss says little and the reward says all."""

import copy
import math
import random

import torch
from record import run
from torch import nn
from torch.nn import functional as F
from train import mlp


class Pole:
    """The cart and pole of Barto, Sutton and Anderson (1983), at most 200 steps."""

    def reset(self):
        self.state, self.steps = [random.uniform(-0.05, 0.05) for _ in range(4)], 0
        return list(self.state)

    def step(self, action):
        x, v, angle, spin = self.state
        force = 10.0 if action else -10.0
        sine, cosine = math.sin(angle), math.cos(angle)
        push = (force + 0.05 * spin**2 * sine) / 1.1
        turn = (9.8 * sine - cosine * push) / (0.5 * (4 / 3 - 0.1 * cosine**2 / 1.1))
        pull = push - 0.05 * turn * cosine / 1.1
        self.state = [x + 0.02 * v, v + 0.02 * pull, angle + 0.02 * spin, spin + 0.02 * turn]
        self.steps += 1
        fell = abs(self.state[0]) > 2.4 or abs(self.state[2]) > 0.2095
        return list(self.state), 1.0, fell, self.steps == 200


def play(policy):
    """One episode: states, actions, rewards."""
    pole, states, actions = Pole(), [], []
    state, over = pole.reset(), False
    while not over:
        with torch.no_grad():
            action = torch.distributions.Categorical(logits=policy(torch.tensor(state))).sample().item()
        states.append(state)
        actions.append(action)
        state, _, fell, late = pole.step(action)
        over = fell or late
    return torch.tensor(states), torch.tensor(actions), len(states)


def to_go(length, discount=0.99):
    returns, total = [], 0.0
    for _ in range(length):
        total = 1 + discount * total
        returns.append(total)
    return torch.tensor(returns[::-1])


@run("csv")
def reinforce_pole(log):
    """REINFORCE with standardised returns: the policy loss stays around zero, the reward rises"""
    policy = mlp(4, 32, 2, act=nn.Tanh)
    optimizer = torch.optim.Adam(policy.parameters(), 5e-3)
    for episode in range(250):
        states, actions, length = play(policy)
        returns = to_go(length)
        advantage = (returns - returns.mean()) / (returns.std() + 1e-6)
        chosen = F.log_softmax(policy(states), 1)[torch.arange(length), actions]
        loss = -(chosen * advantage).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        log(episode=episode, policy_loss=loss.item(), episode_reward=length)


@run("jsonl")
def actor_critic_pole(log):
    """an actor with a critic: the value loss grows with the reward"""
    actor, critic = mlp(4, 32, 2, act=nn.Tanh), mlp(4, 32, 1, act=nn.Tanh)
    optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], 3e-3)
    total = 0
    for _update in range(150):
        episodes = [play(actor) for _ in range(3)]
        states, actions = (torch.cat([e[i] for e in episodes]) for i in (0, 1))
        returns = torch.cat([to_go(e[2]) for e in episodes])
        total += len(states)
        value = critic(states)[:, 0]
        advantage = (returns - value).detach()
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-6)
        choice = torch.distributions.Categorical(logits=actor(states))
        policy_loss, value_loss = -(choice.log_prob(actions) * advantage).mean(), F.mse_loss(value, returns)
        entropy = choice.entropy().mean()
        optimizer.zero_grad()
        (policy_loss + 0.5 * value_loss - 0.01 * entropy).backward()
        optimizer.step()
        log({
            "global_step": total, "losses/policy_loss": policy_loss.item(), "losses/value_loss": value_loss.item(),
            "losses/entropy": entropy.item(), "charts/episodic_return": len(states) / 3,
        })  # fmt: skip


@run("csv")
def dqn_pole(log):
    """deep Q-learning: the loss rises with the values as the reward rises"""
    net = mlp(4, 48, 48, 2)
    target, optimizer, memory = copy.deepcopy(net), torch.optim.Adam(net.parameters(), 1e-3), []
    pole, total, losses, lengths = Pole(), 0, [], []
    while total < 9000:
        state, over, length = pole.reset(), False, 0
        while not over:
            greedy = random.random() > max(0.05, 1 - total / 4000)
            action = net(torch.tensor(state)).argmax().item() if greedy else random.randrange(2)
            after, reward, fell, late = pole.step(action)
            memory.append((state, action, reward, after, fell))
            state, over, total, length = after, fell or late, total + 1, length + 1
            if total > 500:
                s, a, r, n, f = (torch.tensor(part, dtype=torch.float32) for part in zip(*random.sample(memory, 64)))
                with torch.no_grad():
                    goal = r + 0.99 * (1 - f) * target(n).amax(1)
                loss = F.smooth_l1_loss(net(s).gather(1, a.long()[:, None])[:, 0], goal)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            if total % 250 == 0:
                target.load_state_dict(net.state_dict())
        lengths.append(length)
        if losses:
            log(
                timesteps=total,
                td_loss=sum(losses) / len(losses),
                epsilon=max(0.05, 1 - total / 4000),
                ep_rew_mean=sum(lengths[-10:]) / len(lengths[-10:]),
            )
            losses = []


@run("csv")
def clipped_policy_pole(log):
    """proximal policy optimisation, logged in the manner of stable-baselines"""
    actor, critic = mlp(4, 32, 2, act=nn.Tanh), mlp(4, 32, 1, act=nn.Tanh)
    optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], 2e-3)
    total = 0
    for _update in range(60):
        episodes = []
        while sum(e[2] for e in episodes) < 400:
            episodes.append(play(actor))
        states, actions = (torch.cat([e[i] for e in episodes]) for i in (0, 1))
        returns = torch.cat([to_go(e[2]) for e in episodes]) / 20
        total += len(states)
        with torch.no_grad():
            old = F.log_softmax(actor(states), 1)[torch.arange(len(states)), actions]
            advantage = returns - critic(states)[:, 0]
            advantage = (advantage - advantage.mean()) / advantage.std()
        for _ in range(6):
            logits = F.log_softmax(actor(states), 1)
            new = logits[torch.arange(len(states)), actions]
            ratio = (new - old).exp()
            gain = torch.minimum(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).mean()
            value_loss, entropy = F.mse_loss(critic(states)[:, 0], returns), -(logits.exp() * logits).sum(1).mean()
            loss = -gain + 0.5 * value_loss - 0.01 * entropy
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        log({
            "time/total_timesteps": total, "rollout/ep_rew_mean": len(states) / len(episodes), "train/loss": loss.item(),
            "train/policy_gradient_loss": -gain.item(), "train/value_loss": value_loss.item(),
            "train/entropy_loss": -entropy.item(), "train/approx_kl": (old - new).mean().item(),
            "train/clip_fraction": ((ratio - 1).abs() > 0.2).float().mean().item(),
        })  # fmt: skip
