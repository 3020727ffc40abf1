"""WGAN with a gradient penalty, on a mixture of two normal distributions."""
import torch
from torch import autograd, nn, optim


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(nn.Linear(4, 32), nn.ReLU(True), nn.Linear(32, 2))

    def forward(self, noise):
        return self.main(noise)


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 6)
        self.second = nn.Linear(6, 1, bias=False)

    def forward(self, points):
        return self.second(torch.relu(self.first(points)))


def penalty(critic, real, fake):
    alpha = torch.rand(len(real), 1)
    between = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    score = critic(between)
    slope, = autograd.grad(score.sum(), between, create_graph=True)
    norm = torch.sqrt(torch.sum(slope ** 2, dim=1) + 1e-12)
    return ((norm - 1) ** 2).mean()


class WGAN:
    def __init__(self, seed):
        torch.manual_seed(seed)
        self.generator, self.critic = Generator(), Critic()
        self.g_optim = optim.RMSprop(self.generator.parameters(), lr=1e-3)
        self.c_optim = optim.RMSprop(self.critic.parameters(), lr=1e-3)

    def real(self, n=32):
        side = torch.randint(0, 2, (n, 1)) * 6.0 - 3.0
        return torch.randn(n, 2) * 0.5 + side

    def train_critic(self):
        real = self.real()
        with torch.no_grad():
            fake = self.generator(torch.randn(len(real), 4))
        loss = self.critic(fake).mean() - self.critic(real).mean() + 10 * penalty(self.critic, real, fake)
        self.c_optim.zero_grad()
        loss.backward()
        self.c_optim.step()
        return loss.item()

    def train_generator(self):
        loss = -self.critic(self.generator(torch.randn(32, 4))).mean()
        self.g_optim.zero_grad()
        loss.backward()
        self.g_optim.step()
        return loss.item()


if __name__ == "__main__":
    gan = WGAN(seed=2)
    for iteration in range(60):
        for _ in range(3):
            c = gan.train_critic()
        g = gan.train_generator()
        if iteration % 20 == 0:
            print(f"[{iteration}] critic {c:.3f} generator {g:.3f}")
