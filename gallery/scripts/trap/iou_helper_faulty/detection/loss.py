import torch
import torch.nn.functional as F


def to_corners(boxes):
    centre, half = boxes[:, :2], boxes[:, 2:] / 2
    return torch.cat([centre - half, centre + half], dim=1)


def iou(a, b):
    """Intersection over union, pair by pair."""
    a, b = to_corners(a), to_corners(b)
    low = torch.maximum(a[:, :2], b[:, :2])
    high = torch.minimum(a[:, 2:], b[:, 2:])
    overlap = (high - low).clamp(min=0).prod(dim=1)
    area_a = (a[:, 2:] - a[:, :2]).prod(dim=1)
    area_b = (b[:, 2:] - b[:, :2]).prod(dim=1)
    union = area_a + area_b - overlap
    return overlap / union


def compute_losses(outputs, targets):
    return {
        "l1": F.l1_loss(outputs, targets["boxes"]),
        "iou": (1 - iou(outputs, targets["boxes"])).mean(),
    }
