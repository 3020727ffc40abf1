"""Do two pictures show the same digit? One network sees both, with a contrastive margin loss."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Pairs(Dataset):
    def __init__(self, images, digits, n, seed):
        g = torch.Generator().manual_seed(seed)
        by_digit = [torch.nonzero(digits == d).flatten() for d in range(10)]
        self.images = images
        self.pairs = []
        for i in range(n):
            a = int(torch.randint(len(digits), (1,), generator=g))
            if i % 2:
                same = by_digit[int(digits[a])]
                b = int(same[torch.randint(len(same), (1,), generator=g)])
            else:
                b = int(torch.randint(len(digits), (1,), generator=g))
            self.pairs.append((a, b, float(digits[a] == digits[b])))

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        a, b, same = self.pairs[index]
        return (self.images[a], self.images[b]), torch.tensor(same)


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.tower = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))

    def forward(self, a, b):
        return nn.functional.pairwise_distance(self.tower(a), self.tower(b))


def contrastive_loss(distance, same, margin=2.0):
    return (same * distance**2 + (1 - same) * (margin - distance).clamp(min=0) ** 2).mean()


def main():
    torch.manual_seed(0)
    bunch = load_digits()
    images = torch.tensor(bunch.data, dtype=torch.float32) / 16
    digits = torch.tensor(bunch.target)
    order = torch.randperm(len(digits))
    train = Pairs(images[order[:1400]], digits[order[:1400]], 3000, seed=0)
    val = Pairs(images[order[1400:]], digits[order[1400:]], 600, seed=1)
    model = Siamese()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=5e-4)
    for epoch in range(8):
        model.train()
        for (a, b), same in DataLoader(train, batch_size=60, shuffle=True):
            loss = contrastive_loss(model(a, b), same)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            (a, b), same = next(iter(DataLoader(val, batch_size=600)))
            distance = model(a, b)
            accuracy = ((distance < 1.0) == (same > 0.5)).float().mean()
        print(f"epoch {epoch} loss {loss.item():.4f} val {contrastive_loss(distance, same).item():.4f} acc {accuracy:.3f}")


if __name__ == "__main__":
    main()
