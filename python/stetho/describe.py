"""A tensor, or anything else, in one line."""

from __future__ import annotations

import math

_SHORT = {
    "float32": "f32", "float64": "f64", "float16": "f16", "bfloat16": "bf16", "int64": "i64", "int32": "i32", "int16": "i16",
    "int8": "i8", "uint8": "u8", "bool": "bool", "complex64": "c64", "complex128": "c128",
}


def number(value: float) -> str:
    """A number as short as it can be told."""
    if value != value:
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.4g}"


def dtype_word(dtype) -> str:
    """``f32`` of ``torch.float32``."""
    name = str(dtype).removeprefix("torch.")
    return _SHORT.get(name, name)


def _rows(indices: list[int], most: int = 5) -> str:
    shown = ", ".join(map(str, indices[:most])) + (", …" if len(indices) > most else "")
    return f"row {shown}" if len(indices) == 1 else f"rows {shown}"


def tensor_line(tensor) -> str:
    """Type, shape, device, range, and what is special: ``f32[32, 4] cpu, -1.2 … 3.1, 1 zero (row 21)``."""
    import torch

    shape = "" if tensor.dim() == 0 else "[" + ", ".join(map(str, tensor.shape)) + "]"
    head = f"{dtype_word(tensor.dtype)}{shape} {tensor.device.type}"
    if tensor.numel() == 0:
        return f"{head}, empty"
    if tensor.dtype == torch.bool:
        return f"{head}, {int(tensor.sum())} of {tensor.numel()} true"
    if tensor.is_complex():
        return head
    flat = tensor.detach()
    if not flat.is_floating_point():
        if tensor.numel() == 1:
            return f"{head} = {int(flat)}"
        return f"{head}, {int(flat.min())} … {int(flat.max())}"
    flat = flat.double()
    if tensor.numel() == 1:
        return f"{head} = {number(float(flat))}"
    finite = torch.isfinite(flat)
    parts = [head]
    if bool(finite.any()):
        known = flat[finite]
        parts.append(f"{number(float(known.min()))} … {number(float(known.max()))}")
    for word, mask in (("NaN", torch.isnan(flat)), ("infinite", torch.isinf(flat)), ("zero", flat == 0)):
        count = int(mask.sum())
        if count == 0 or (word == "zero" and count * 4 > flat.numel()):
            continue
        rows = mask.reshape(mask.shape[0], -1).any(1).nonzero().flatten().tolist() if mask.dim() else []
        where = f" ({_rows(rows)})" if rows and len(rows) <= mask.shape[0] // 2 else ""
        parts.append(f"{count} {word}{where}")
    return ", ".join(parts)


def line(value, most: int = 100) -> str:
    """Anything in one line."""
    import torch

    if isinstance(value, torch.Tensor):
        try:
            return tensor_line(value)
        except RuntimeError as error:
            return f"{dtype_word(value.dtype)}{list(value.shape)} (unreadable: {str(error).splitlines()[0][:60]})"
    if isinstance(value, float):
        return number(value)
    text = repr(value)
    return text if len(text) <= most else text[: most - 1] + "…"
