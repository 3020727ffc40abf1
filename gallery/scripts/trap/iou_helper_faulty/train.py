"""Box regression with an IoU loss; the pieces are in `detection/`."""
import torch

from detection.data import make_loader
from detection.model import BoxNet
from detection.loss import compute_losses


def train_one_epoch(model, loader, optimizer, epoch):
    model.train()
    meter = 0.0
    for images, targets in loader:
        outputs = model(images)
        losses = compute_losses(outputs, targets)
        loss = losses["l1"] * 0.05 + losses["iou"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        meter += loss.item()
    print(f"Epoch {epoch}  avg loss {meter / len(loader):.4f}")


def main():
    torch.manual_seed(42)
    loader = make_loader()
    model = BoxNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for epoch in range(4):
        train_one_epoch(model, loader, optimizer, epoch)


if __name__ == "__main__":
    main()
