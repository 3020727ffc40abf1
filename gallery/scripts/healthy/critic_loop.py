"""A Wasserstein GAN with gradient penalty: five steps of the critic, then one of the generator outside of that loop."""
import torch
from sklearn.datasets import load_digits
from torch import autograd, nn
from torch.utils.data import DataLoader, TensorDataset

CRITIC_STEPS, PENALTY, BATCH, LATENT = 5, 10, 64, 16
torch.manual_seed(1)
images = torch.tensor(load_digits().images, dtype=torch.float32).unsqueeze(1) / 8 - 1
loader = DataLoader(TensorDataset(images), batch_size=BATCH, shuffle=True, drop_last=True)


def endless():
    while True:
        for (batch,) in loader:
            yield batch


generator = nn.Sequential(
    nn.Linear(LATENT, 128), nn.ReLU(), nn.Unflatten(1, (32, 2, 2)), nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
    nn.ConvTranspose2d(16, 1, 4, 2, 1), nn.Tanh(),
)
critic = nn.Sequential(
    nn.Conv2d(1, 16, 3, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(16, 32, 3, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(128, 1), nn.Flatten(0)
)
generator_optimizer = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.9))
critic_optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.9))


def gradient_penalty(real, fake):
    alpha = torch.rand(BATCH, 1, 1, 1)
    between = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    gradients = autograd.grad(critic(between), between, torch.ones(BATCH), create_graph=True)[0]
    return ((gradients.flatten(1).norm(dim=1) - 1) ** 2).mean()


batches = endless()
for iteration in range(120):
    for p in critic.parameters():
        p.requires_grad = True
    for _ in range(CRITIC_STEPS):
        real = next(batches)
        fake = generator(torch.randn(BATCH, LATENT)).detach()
        critic_optimizer.zero_grad()
        real_score, fake_score = critic(real).mean(), critic(fake).mean()
        critic_loss = fake_score - real_score + PENALTY * gradient_penalty(real, fake)
        critic_loss.backward()
        critic_optimizer.step()
    for p in critic.parameters():
        p.requires_grad = False
    generator_optimizer.zero_grad()
    generator_loss = -critic(generator(torch.randn(BATCH, LATENT))).mean()
    generator_loss.backward()
    generator_optimizer.step()
    if iteration % 30 == 29:
        print(f"{iteration + 1}: distance {real_score.item() - fake_score.item():.3f} generator {generator_loss.item():.3f}")
