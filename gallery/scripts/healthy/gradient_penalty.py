"""A Wasserstein GAN with gradient penalty on two clusters (double backward, several critic steps)."""
import torch
from torch import autograd, nn, optim

torch.manual_seed(0)
LATENT, BATCH, CRITIC_STEPS, PENALTY = 4, 64, 3, 1.0


class WGAN:
    def __init__(self):
        self.generator = nn.Sequential(nn.Linear(LATENT, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
        self.critic = nn.Sequential(nn.Linear(2, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 1))
        self.opt_g = optim.Adam(self.generator.parameters(), lr=1e-3, betas=(0.0, 0.9))
        self.opt_c = optim.Adam(self.critic.parameters(), lr=2e-3, betas=(0.0, 0.9))

    def sample(self, n):
        return self.generator(torch.randn(n, LATENT))

    def gradient_penalty(self, real, fake):
        mix = torch.rand(len(real), 1)
        points = (mix * real + (1 - mix) * fake).requires_grad_(True)
        gradients, = autograd.grad(self.critic(points).sum(), points, create_graph=True)
        return ((gradients.norm(2, dim=1) - 1) ** 2).mean()

    def critic_step(self, real):
        fake = self.sample(len(real)).detach()
        critic_loss = self.critic(fake).mean() - self.critic(real).mean()
        penalty = PENALTY * self.gradient_penalty(real, fake)
        self.opt_c.zero_grad()
        (critic_loss + penalty).backward()
        self.opt_c.step()
        return -critic_loss.item()

    def generator_step(self):
        generator_loss = -self.critic(self.sample(BATCH)).mean()
        self.opt_g.zero_grad()
        generator_loss.backward()
        self.opt_g.step()
        return generator_loss.item()


def real_batch(n):
    centre = torch.tensor([[-1.5, 0.0], [1.5, 0.5]])[torch.randint(0, 2, (n,))]
    return centre + 0.2 * torch.randn(n, 2)


gan = WGAN()
for iteration in range(1, 301):
    for _ in range(CRITIC_STEPS):
        distance = gan.critic_step(real_batch(BATCH))
    generator_loss = gan.generator_step()
    if iteration % 50 == 0:
        with torch.no_grad():
            points = gan.sample(1000)
        left = points[:, 0] < 0
        print(f"{iteration} wasserstein {distance:.3f} generator {generator_loss:.3f} left share {left.float().mean():.2f} "
              f"means {points[left].mean(0).tolist()} {points[~left].mean(0).tolist()}")
