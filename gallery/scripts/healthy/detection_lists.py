"""A small detector as torchvision has them: lists of pictures and targets, a dictionary of losses, a warm-up in the first epoch."""
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset


class Shapes(Dataset):
    """Pictures with one to three rectangles in two colours."""

    def __init__(self, n, seed):
        self.n, self.seed = n, seed

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        g = torch.Generator().manual_seed(self.seed * 100_000 + index)
        picture, boxes, labels = torch.rand(3, 32, 32, generator=g) * 0.2, [], []
        for _ in range(int(torch.randint(1, 4, (1,), generator=g))):
            w, h = torch.randint(5, 14, (2,), generator=g).tolist()
            x, y = int(torch.randint(32 - w, (1,), generator=g)), int(torch.randint(32 - h, (1,), generator=g))
            label = int(torch.randint(1, 3, (1,), generator=g))
            picture[:, y : y + h, x : x + w] = 0.1
            picture[label - 1, y : y + h, x : x + w] = 0.9
            boxes.append([x, y, x + w, y + h])
            labels.append(label)
        return picture, {"boxes": torch.tensor(boxes, dtype=torch.float32), "labels": torch.tensor(labels)}


class Detector(nn.Module):
    """A score a class and a box for each cell of an 8×8 grid."""

    def __init__(self):
        super().__init__()
        layers = [m for i, o, s in ((3, 16, 2), (16, 32, 2), (32, 32, 1))
                  for m in (nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU())]
        self.backbone = nn.Sequential(*layers)
        self.scores, self.boxes = nn.Conv2d(32, 2, 1), nn.Conv2d(32, 4, 1)
        nn.init.constant_(self.scores.bias, -3.0)

    def forward(self, pictures, targets):
        features = self.backbone(torch.stack(pictures))
        scores, boxes = self.scores(features), self.boxes(features).permute(0, 2, 3, 1)
        wanted, offsets, is_there = torch.zeros_like(scores), torch.zeros_like(boxes), torch.zeros(boxes.shape[:3], dtype=torch.bool)
        for b, target in enumerate(targets):
            for (x1, y1, x2, y2), label in zip(target["boxes"], target["labels"]):
                cx, cy = (x1 + x2) / 8, (y1 + y2) / 8
                i, j = int(cy), int(cx)
                wanted[b, label - 1, i, j], is_there[b, i, j] = 1, True
                offsets[b, i, j] = torch.stack([cx - j, cy - i, ((x2 - x1) / 8).log(), ((y2 - y1) / 8).log()])
        focal = F.binary_cross_entropy_with_logits(scores, wanted, reduction="none") * (wanted - scores.sigmoid()).abs() ** 2
        return {"loss_classifier": focal.sum() / is_there.sum(), "loss_box": F.smooth_l1_loss(boxes[is_there], offsets[is_there])}


def collate(batch):
    return tuple(zip(*batch))


torch.manual_seed(0)
loader = DataLoader(Shapes(320, 1), batch_size=8, shuffle=True, collate_fn=collate)
val_loader = DataLoader(Shapes(64, 2), batch_size=16, collate_fn=collate)
model = Detector()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
warm_up = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=len(loader))
for epoch in range(5):
    model.train()
    for pictures, targets in loader:
        losses = model(list(pictures), list(targets))
        loss = sum(losses.values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        warm_up.step()
    model.eval()
    with torch.no_grad():
        val_losses = [sum(model(list(p), list(t)).values()).item() for p, t in val_loader]
    print(epoch, {k: round(v.item(), 4) for k, v in losses.items()}, f"val_loss {sum(val_losses) / len(val_losses):.4f}")
