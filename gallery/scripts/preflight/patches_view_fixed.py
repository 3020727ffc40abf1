"""A vision transformer on 8x8 digits, sequence first as in the paper's code."""
import torch
from sklearn.datasets import load_digits
from torch import nn


class TinyViT(nn.Module):
    def __init__(self, dim=48, depth=2, heads=4, patch=2):
        super().__init__()
        self.embed = nn.Conv2d(1, dim, patch, stride=patch)
        self.pos = nn.Parameter(torch.randn(16, 1, dim) * 0.02)
        layer = nn.TransformerEncoderLayer(dim, heads, 2 * dim, dropout=0.0, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Linear(dim, 10)

    def forward(self, x):
        x = self.embed(x).flatten(2).transpose(1, 2)
        n, t, d = x.shape
        x = x.transpose(0, 1)
        x = self.encoder(x + self.pos)
        return self.head(x.mean(0))


class Trainer:
    """Holds what a training needs and runs it."""

    def __init__(self, model, lr, batch_size):
        self.model, self.batch_size = model, batch_size
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
        self.loss_fn = nn.CrossEntropyLoss()

    def training_step(self, batch):
        x, y = batch
        return self.loss_fn(self.model(x), y)

    def fit(self, x, y, epochs):
        data = torch.utils.data.TensorDataset(x, y)
        for epoch in range(epochs):
            for batch in torch.utils.data.DataLoader(data, self.batch_size, shuffle=True, drop_last=True):
                self.optimizer.zero_grad()
                loss = self.training_step(batch)
                loss.backward()
                self.optimizer.step()
            print("epoch", epoch, "loss", round(loss.item(), 4))

    @torch.no_grad()
    def test(self, x, y):
        return (torch.cat([self.model(part) for part in x.split(self.batch_size)]).argmax(1) == y).float().mean().item()


if __name__ == "__main__":
    torch.manual_seed(0)
    digits = load_digits()
    images, labels = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 8 - 1, torch.tensor(digits.target)
    trainer = Trainer(TinyViT(), lr=2e-3, batch_size=40)
    trainer.fit(images[:1400], labels[:1400], epochs=6)
    print("accuracy", trainer.test(images[1400:], labels[1400:]))
