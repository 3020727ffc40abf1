"""Score pictures with weights from disk; nothing is trained."""
import tempfile
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader


def build():
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10))


def export(path):
    torch.manual_seed(0)
    torch.save(build().state_dict(), path)


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pt"
        export(path)
        model = build()
        model.load_state_dict(torch.load(path, weights_only=True))
    model.eval()
    images = torch.tensor(load_digits().images, dtype=torch.float32)[:, None] / 16
    counts = torch.zeros(10, dtype=torch.long)
    with torch.inference_mode():
        for batch in DataLoader(images, batch_size=128):
            counts += torch.bincount(model(batch).argmax(1), minlength=10)
    for digit, count in enumerate(counts.tolist()):
        print(digit, count)


if __name__ == "__main__":
    main()
