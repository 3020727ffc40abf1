"""A tensor as a small picture: what a sample looks like to the network."""

from __future__ import annotations

import base64
import struct
import zlib

#: Longer side of a picture that is kept, in pixels.
MOST_SIDE = 160
#: Sides between which a tensor is taken for a picture.
LEAST_SIDE, LONGEST_SIDE = 6, 8192


def looks_like_one(shape) -> bool:
    """Whether a tensor of that shape, without the samples' dimension, may be a picture: (height, width), (channels, height, width) with 1, 3
    or 4 channels, or these last."""
    sides = _sides(tuple(shape))
    return sides is not None and all(LEAST_SIDE <= side <= LONGEST_SIDE for side in sides)


def _sides(shape: tuple[int, ...]) -> tuple[int, int] | None:
    if len(shape) == 2:
        return shape[0], shape[1]
    if len(shape) != 3:
        return None
    if shape[0] in (1, 3, 4):
        return shape[1], shape[2]
    return (shape[0], shape[1]) if shape[2] in (1, 3, 4) else None


def picture(torch, value, most_side: int = MOST_SIDE) -> dict | None:
    """``png`` (base64), ``width`` and ``height`` in pixels as the network sees them; None where it is no picture. Numbers are spread over their
    own range, whatever normalisation they went through; what is no number is black. The PNG is at most `most_side` pixels long."""
    shape = tuple(value.shape)
    if not looks_like_one(shape):
        return None
    value = value.detach().to("cpu", torch.float32)
    if value.dim() == 2:
        value = value[None]
    elif shape[0] not in (1, 3, 4):
        value = value.permute(2, 0, 1)
    value = value[:3]
    height, width = value.shape[1:]
    factor = -(-max(height, width) // most_side)
    finite = torch.isfinite(value)
    value = torch.where(finite, value, torch.zeros(()))
    seen = value[finite]
    if factor > 1:
        value = torch.nn.functional.avg_pool2d(value[None], factor, ceil_mode=True)[0]
    low, high = (float(seen.min()), float(seen.max())) if seen.numel() else (0.0, 0.0)
    if 0.0 <= low and high <= 1.0 and high > 0.5:
        low, high = 0.0, 1.0
    scaled = (value - low) / (high - low) if high > low else torch.zeros_like(value)
    pixels = (scaled.clamp(0.0, 1.0) * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous()
    return {"png": base64.b64encode(_png(pixels)).decode(), "width": width, "height": height}


def blank(width: int, height: int) -> dict:
    """An empty one of that size, to draw boxes on."""
    import torch

    return {**picture(torch, torch.full((8, 8), 0.94)), "width": width, "height": height}


def _png(pixels) -> bytes:
    """Bytes of a PNG file, of uint8 pixels of shape (height, width, 1 or 3)."""
    height, width, channels = pixels.shape
    raw = bytes(pixels.reshape(-1).tolist())  # without NumPy, which may not be there
    step = width * channels
    rows = b"".join(b"\0" + raw[y * step : (y + 1) * step] for y in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 6)) + chunk(b"IEND", b"")
