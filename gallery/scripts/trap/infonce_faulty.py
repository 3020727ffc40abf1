"""Contrastive learning of two views, with a temperature of 0.01."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class TwoTowers(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.image = nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, dim))
        self.text = nn.Linear(12, dim)
        self.temperature = 0.01

    def forward(self, image, text):
        return F.normalize(self.image(image), dim=-1), F.normalize(self.text(text), dim=-1)


def info_nce(a, b, temperature):
    similarity = a @ b.T / temperature
    positive = similarity.diagonal()
    partition = torch.log(torch.exp(similarity).sum(dim=1))
    return (partition - positive).mean()


def main():
    torch.manual_seed(11)
    meaning = torch.randn(640, 6)
    image = torch.cat([meaning, 0.1 * torch.randn(640, 18)], dim=1)
    text = torch.cat([meaning.flip(1), 0.1 * torch.randn(640, 6)], dim=1)
    loader = DataLoader(TensorDataset(image, text), batch_size=64, shuffle=True, drop_last=True)
    model = TwoTowers()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for epoch in range(10):
        for image, text in loader:
            a, b = model(image, text)
            loss = info_nce(a, b, model.temperature)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: {loss.item():.3f}")


if __name__ == "__main__":
    main()
