"""A small detector: which shape, and where. Nothing in this file knows of Stetho."""

import json
import sys
import zlib
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, random_split


def read_png(path):
    """A grey picture of 8 bits, as our data set has them."""
    data = Path(path).read_bytes()
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    at = data.index(b"IDAT")
    length = int.from_bytes(data[at - 4 : at], "big")
    rows = zlib.decompress(data[at + 4 : at + 4 + length])
    pixels = torch.frombuffer(bytearray(rows), dtype=torch.uint8).reshape(height, width + 1)[:, 1:]
    return pixels.float().unsqueeze(0) / 255


class Shapes(Dataset):
    def __init__(self, root):
        self.root = Path(root)
        coco = json.loads((self.root / "annotations.json").read_text())
        self.files = [image["file_name"] for image in coco["images"]]
        self.boxes = {a["image_id"]: (a["bbox"], a["category_id"]) for a in coco["annotations"]}

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        (x, y, w, h), label = self.boxes[i]
        return {"image": read_png(self.root / self.files[i]), "box": torch.tensor([x, y, x + w, y + h]).float(), "label": label}


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        )
        self.classes = nn.Linear(32 * 36, 3)
        self.boxes = nn.Linear(32 * 36, 4)

    def forward(self, x):
        features = self.backbone(x)
        return {"logits": self.classes(features), "boxes": self.boxes(features)}


def encode(boxes, anchor=20.0):
    """Centre and logarithm of the sides, as detectors regress them."""
    x0, y0, x1, y1 = boxes.unbind(1)
    w, h = x1 - x0, y1 - y0
    return torch.stack([(x0 + w / 2) / 48, (y0 + h / 2) / 48, torch.log(w / anchor), torch.log(h / anchor)], 1)


def evaluate(model, loader):
    model.eval()
    n_right = 0
    with torch.no_grad():
        for batch in loader:
            n_right += (model(batch["image"])["logits"].argmax(1) == batch["label"]).sum().item()
    model.train()
    return n_right / len(loader.dataset)


def main():
    torch.manual_seed(0)
    train_set, val_set = random_split(Shapes(sys.argv[1]), [560, 80])
    train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=80)
    model = Detector()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(4):
        for batch in train_loader:
            out = model(batch["image"])
            cls_loss = F.cross_entropy(out["logits"], batch["label"])
            box_loss = F.smooth_l1_loss(out["boxes"], encode(batch["box"]))
            loss = cls_loss + box_loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}  loss {loss.item():.3f}  val accuracy {evaluate(model, val_loader):.3f}")


if __name__ == "__main__":
    main()
