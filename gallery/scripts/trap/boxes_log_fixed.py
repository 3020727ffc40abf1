"""Trains a small detector head: what is in the picture, and where (offsets to an anchor, as in Faster R-CNN)."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Pedestrians(Dataset):
    """512 pictures with one person each; boxes as xmin, ymin, xmax, ymax in pixels of a 64 x 64 picture."""

    def __init__(self):
        g = torch.Generator().manual_seed(3)
        centre = torch.rand(512, 2, generator=g) * 32 + 16
        size = torch.rand(512, 2, generator=g) * 16 + 6
        self.boxes = torch.cat([centre - size / 2, centre + size / 2], dim=1).round()
        self.boxes[389, 2] = self.boxes[389, 0]  # as drawn by an annotator in a hurry
        self.labels = (size[:, 1] > size[:, 0]).long()
        noise = torch.randn(512, 1, 16, 16, generator=g)
        self.pictures = noise * 0.1
        for i, box in enumerate((self.boxes / 4).long().tolist()):
            self.pictures[i, 0, box[1]:box[3] + 1, box[0]:box[2] + 1] += 1.0

    def __len__(self):
        return len(self.boxes)

    def __getitem__(self, i):
        return self.pictures[i], self.boxes[i], self.labels[i]


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        convolution = [nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        self.trunk = nn.Sequential(*convolution, nn.Flatten(), nn.Linear(512, 48), nn.ReLU())
        self.classes = nn.Linear(48, 2)
        self.offsets = nn.Linear(48, 4)

    def forward(self, x):
        h = self.trunk(x)
        return self.classes(h), self.offsets(h)


def encode(boxes, anchor=20.0):
    w, h = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    cx, cy = boxes[:, 0] + w / 2, boxes[:, 1] + h / 2
    dx, dy = (cx - 32) / anchor, (cy - 32) / anchor
    dw = torch.log(w.clamp(min=1) / anchor)
    dh = torch.log(h.clamp(min=1) / anchor)
    return torch.stack([dx, dy, dw, dh], dim=1)


torch.manual_seed(0)
loader = DataLoader(Pedestrians(), batch_size=16, shuffle=True)
model = Detector()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)

for epoch in range(3):
    total = 0.0
    for pictures, boxes, labels in loader:
        scores, offsets = model(pictures)
        loss_cls = F.cross_entropy(scores, labels)
        loss_box = F.smooth_l1_loss(offsets, encode(boxes))
        loss = loss_cls + loss_box
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch}: loss {total / len(loader):.4f}")
