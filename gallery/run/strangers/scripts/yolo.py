"""A detector of one rectangle on noise, with the columns of Ultralytics' results.csv."""

import time

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import lr_scheduler

from kit import batches, run

BINS = 12


def pictures(n, seed, noise=0.3, kinds=3):
    """Pictures 24 x 24 with one shape, and its class, centre and size in pixels."""
    g = torch.Generator().manual_seed(seed)
    size = torch.randint(5, 12, (n, 2), generator=g)
    corner = (torch.rand(n, 2, generator=g) * (24 - size)).long()
    kind = torch.randint(0, kinds, (n,), generator=g)
    x = noise * torch.randn(n, 1, 24, 24, generator=g)
    for i in range(n):
        (a, b), (h, w) = corner[i].tolist(), size[i].tolist()
        patch = x[i, 0, a : a + h, b : b + w]
        patch += 1.0 if kind[i] == 0 else -1.0
        if kind[i] == 2:
            patch[1:-1, 1:-1] += 2.0
    return x, torch.cat([kind[:, None].float(), corner + size / 2, size], 1)


def detector(width=12):
    def block(i, o):
        return [nn.Conv2d(i, o, 3, 2, 1), nn.BatchNorm2d(o), nn.SiLU()]

    return nn.Sequential(*block(1, width), *block(width, 2 * width), *block(2 * width, 2 * width), nn.Flatten(),
                         nn.Linear(18 * width, 3 + 4 + 2 * BINS))


def iou(box, truth):
    low = torch.maximum(box[:, :2] - box[:, 2:] / 2, truth[:, :2] - truth[:, 2:] / 2)
    high = torch.minimum(box[:, :2] + box[:, 2:] / 2, truth[:, :2] + truth[:, 2:] / 2)
    both = (high - low).clamp(min=0).prod(1)
    return both / (box[:, 2:].abs().prod(1) + truth[:, 2:].prod(1) - both + 1e-6)


def losses(out, target, boxes="iou"):
    box = torch.cat([24 * torch.sigmoid(out[:, 3:5]), 24 * torch.sigmoid(out[:, 5:7])], 1)
    truth = target[:, 1:]
    overlap = iou(box, truth)
    if boxes == "iou":
        far = ((box[:, :2] - truth[:, :2]) ** 2).sum(1) / 200 + ((box[:, 2:] - truth[:, 2:]) ** 2).sum(1) / 200
        box_loss = (1 - overlap + far).mean()
    elif boxes == "pixels":
        box_loss = ((box - truth) ** 2).sum(1).mean() * 100
    else:
        box_loss = -torch.log(overlap).mean()
    cls_loss = F.cross_entropy(out[:, :3], target[:, 0].long())
    bins = out[:, 7:].reshape(-1, 2, BINS)
    dfl_loss = F.cross_entropy(bins.flatten(0, 1), (truth[:, 2:] - 1).long().clamp(0, BINS - 1).flatten())
    right = out[:, :3].argmax(1) == target[:, 0]
    return [box_loss, cls_loss, dfl_loss], [right.float().mean(), (overlap > 0.3).float().mean(),
                                            (right & (overlap > 0.5)).float().mean(),
                                            (right & (overlap > 0.75)).float().mean()]


NAMES = ["epoch", "time", "train/box_loss", "train/cls_loss", "train/dfl_loss", "metrics/precision(B)", "metrics/recall(B)",
         "metrics/mAP50(B)", "metrics/mAP50-95(B)", "val/box_loss", "val/cls_loss", "val/dfl_loss", "lr/pg0", "lr/pg1", "lr/pg2"]


def fit(path, train, val, epochs, rate=0.01, boxes="iou", model=None, batch=16, warmup=3):
    model = model or detector()
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, nesterov=True, weight_decay=5e-4)
    fall = lambda e: min((e + 1) / warmup, 1) * (1 - 0.99 * e / epochs)
    schedule = lr_scheduler.LambdaLR(optimizer, fall)
    began = time.time()
    with open(path, "w") as out:
        out.write(",".join(NAMES) + "\n")
        for epoch in range(1, epochs + 1):
            model.train()
            sums, count = [0.0] * 3, 0
            for x, y in batches(*train, batch):
                terms, _ = losses(model(x), y, boxes)
                optimizer.zero_grad()
                sum(terms).backward()
                nn.utils.clip_grad_norm_(model.parameters(), 10.0)
                optimizer.step()
                sums, count = [s + t.item() for s, t in zip(sums, terms)], count + 1
            model.eval()
            with torch.no_grad():
                terms, metrics = losses(model(val[0]), val[1], boxes)
            row = [time.time() - began, *[s / count for s in sums], *map(float, metrics), *map(float, terms)]
            rates = [optimizer.param_groups[0]["lr"]] * 3
            out.write(f"{epoch}," + ",".join(f"{v:.5g}" for v in row + rates) + "\n")
            schedule.step()
    return model


@run(".csv", "500 pictures, 40 epochs, linear fall of the rate after three epochs of warm-up")
def yolo_forty_epochs(path):
    fit(path, pictures(500, 1), pictures(200, 2), 40)


@run(".csv", "a trained detector goes on for 15 epochs with cleaner pictures at a tenth of the rate")
def yolo_fine_tune(path):
    model = fit("/dev/null", pictures(400, 1), pictures(50, 2), 12)
    fit(path, pictures(300, 3, noise=0.2), pictures(200, 4, noise=0.2), 15, rate=1e-3, model=model)


@run(".csv", "12 validation pictures: the metrics move in steps of a twelfth and validation losses jump", may="overfitting-run")
def yolo_few_to_validate(path):
    fit(path, pictures(400, 5), pictures(12, 6), 25)


@run(".csv", "40 training pictures for 80 epochs: training losses near nothing, validation losses turn up early",
     "overfitting-run", "loss-terms-unbalanced loss-plateau")
def yolo_forty_pictures(path):
    fit(path, pictures(40, 7, noise=0.6), pictures(200, 8, noise=0.6), 80, batch=8)


@run(".csv", "box regression in squared pixels: the box loss is thousands, then hundreds of times the class loss, which does not learn",
     "loss-terms-unbalanced", "overfitting-run loss-oscillating underfitting-run clipping-always loss-plateau")
def yolo_pixels(path):
    fit(path, pictures(400, 9, noise=0.6), pictures(200, 10, noise=0.6), 25, boxes="pixels", rate=0.002)


@run(".csv", "logarithm of an overlap that can be zero: the box loss is not a number from the first epoch on", "non-finite-loss",
     "class-collapse loss-at-chance")
def yolo_log_of_overlap(path):
    fit(path, pictures(300, 11), pictures(150, 12), 12, boxes="log")
