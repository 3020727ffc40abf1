# Elasticity of demand: log-log regression where some shops never advertise.
import numpy as np
import torch

rng = np.random.default_rng(12)
n = 400
advert = rng.gamma(2.0, 1.0, n)
advert[rng.permutation(n)[:40]] = 0.0
price = rng.uniform(1, 3, n)
sales = 2.0 - 1.3 * np.log(price) + 0.4 * np.log1p(advert) + rng.normal(0, 0.1, n)

advert = torch.tensor(advert, dtype=torch.float32)
price = torch.tensor(price, dtype=torch.float32)
sales = torch.tensor(sales, dtype=torch.float32)

scale = torch.nn.Parameter(torch.tensor(1.0))
weights = torch.nn.Parameter(torch.zeros(3))
opt = torch.optim.Adam([scale, weights], lr=0.02)

for it in range(300):
    effect = advert * scale
    log_effect = torch.log(torch.where(effect > 0, effect, torch.ones_like(effect)))
    prediction = weights[0] + weights[1] * torch.log(price) + weights[2] * log_effect
    loss = torch.mean((prediction - sales) ** 2)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it % 50 == 0:
        print(it, loss.item())
