"""One box a picture, found by a learned query that looks at the patches (a DETR of one object)."""
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Config:
    size: int = 24
    patch: int = 4
    dim: int = 48
    heads: int = 4
    steps: int = 300
    batch: int = 32
    lr: float = 2e-3


def make_batch(cfg, n, generator):
    """Pictures with a bright rectangle; centre and size of it as shares of the side."""
    side = torch.randint(5, 12, (n, 2), generator=generator)
    corner = (torch.rand(n, 2, generator=generator) * (cfg.size - side)).long()
    images = 0.3 * torch.randn(n, 1, cfg.size, cfg.size, generator=generator) - 0.3
    for image, (x, y), (w, h) in zip(images, corner, side):
        image[0, y : y + h, x : x + w] += 1.6
    return images, torch.cat([corner + side / 2, side], dim=1) / cfg.size


class Detector(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.patches = nn.Conv2d(1, cfg.dim, cfg.patch, cfg.patch)
        self.position = nn.Parameter(0.5 * torch.randn((cfg.size // cfg.patch) ** 2, cfg.dim))
        self.query = nn.Parameter(0.5 * torch.randn(1, 1, cfg.dim))
        self.mix = nn.TransformerEncoderLayer(cfg.dim, cfg.heads, 2 * cfg.dim, dropout=0.0, batch_first=True)
        self.cross = nn.MultiheadAttention(cfg.dim, cfg.heads, batch_first=True)
        self.norm = nn.LayerNorm(cfg.dim)
        self.box = nn.Sequential(nn.Linear(cfg.dim, cfg.dim), nn.ReLU(), nn.Linear(cfg.dim, 4))

    def forward(self, images):
        memory = self.mix(self.patches(images).flatten(2).transpose(1, 2) + self.position)
        query = self.query.expand(len(images), -1, -1)
        found, _ = self.cross(query, memory, memory)
        return self.box(self.norm(query + found)).squeeze(1).sigmoid()


def main():
    cfg = Config()
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    model = Detector(cfg)
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr)
    val_images, val_boxes = make_batch(cfg, 64, generator)
    for step in range(cfg.steps):
        images, boxes = make_batch(cfg, cfg.batch, generator)
        loss = nn.functional.l1_loss(model(images), boxes)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if step % 75 == 74:
            with torch.no_grad():
                val_loss = nn.functional.l1_loss(model(val_images), val_boxes)
            print(f"{step + 1} loss {loss.item():.4f} val {val_loss.item():.4f}")


if __name__ == "__main__":
    main()
