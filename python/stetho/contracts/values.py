"""What is asked of a value: tensors, arrays, pictures, numbers and lists of them, without importing what holds them."""

from __future__ import annotations

import math

#: Types of numbers by the mode of a PIL picture.
_MODES = {"1": "bool", "I": "int32", "F": "float32", "I;16": "uint16"}
_DTYPES: dict = {}
#: Numbers that are shown of a value.
MOST_SHOWN = 8


def is_tensor(value) -> bool:
    """Whether it is a PyTorch tensor, or something that behaves like one."""
    return hasattr(value, "data_ptr") and hasattr(value, "dim")


def is_picture(value) -> bool:
    """Whether it is a PIL picture."""
    return hasattr(value, "getbands") and hasattr(value, "size")


def is_numbers(value) -> bool:
    """Whether it is a list of numbers, or of lists of numbers."""
    if not isinstance(value, (list, tuple)) or not value:
        return False
    first = value[0]
    return isinstance(first, (int, float)) or is_numbers(first)


def shape_of(value) -> tuple[int, ...] | None:
    """Its shape: of a picture height, width and, beyond one, bands; None where it has none."""
    shape = getattr(value, "shape", None)
    if shape is not None:
        return tuple(shape)
    if is_picture(value):
        width, height = value.size
        n_bands = len(value.getbands())
        return (height, width) if n_bands == 1 else (height, width, n_bands)
    if isinstance(value, (int, float)):
        return ()
    if isinstance(value, (list, tuple)):
        inner = {shape_of(item) for item in value} if value and isinstance(value[0], (list, tuple)) else {()}
        first = next(iter(inner))
        return (len(value), *first) if len(inner) == 1 and first is not None else (len(value),)
    return None


def dtype_of(value) -> str:
    """The name of its type of numbers, else of its type."""
    dtype = getattr(value, "dtype", None)
    if dtype is not None:
        known = _DTYPES.get(dtype)
        if known is None:
            known = _DTYPES[dtype] = str(dtype).rpartition(".")[2]
        return known
    if is_picture(value):
        return _MODES.get(value.mode, "uint8")
    if isinstance(value, (list, tuple)) and value:
        return dtype_of(value[0])
    return type(value).__name__


def is_float(value) -> bool:
    """Whether it may hold NaN."""
    name = dtype_of(value)
    return name.startswith(("float", "bfloat", "double", "half"))


def extremes(value) -> tuple[float, float] | None:
    """Its least and greatest number, both NaN where one is NaN; None where it holds no number."""
    ask = getattr(value, "aminmax", None)
    if ask is not None:  # a tensor: the common case, and the one whose time counts
        if value.numel() == 0 or value.is_sparse:
            return None
        low, high = ask()
        return low.item(), high.item()
    if isinstance(value, (int, float)):
        return value, value
    if hasattr(value, "dtype") and hasattr(value, "min") and getattr(value, "size", 0):
        if value.dtype.kind not in "biuf":
            return None
        return value.min().item(), value.max().item()
    if is_numbers(value):
        numbers = flat(value)
        if any(n != n for n in numbers):
            return math.nan, math.nan
        return min(numbers), max(numbers)
    if is_picture(value):
        bands = value.getextrema()
        bands = bands if isinstance(bands[0], tuple) else (bands,)
        return min(low for low, _ in bands), max(high for _, high in bands)
    return None


def flat(value) -> list:
    """All its numbers in order."""
    if isinstance(value, (int, float, str)):
        return [value]
    if is_tensor(value):
        return value.detach().reshape(-1).tolist()
    if hasattr(value, "reshape") and hasattr(value, "tolist"):
        return value.reshape(-1).tolist()
    found: list = []
    for item in value:
        found.extend(flat(item) if isinstance(item, (list, tuple)) or hasattr(item, "tolist") else [item])
    return found


def nested(value) -> list:
    """It as lists in lists."""
    return value.detach().tolist() if is_tensor(value) else value.tolist() if hasattr(value, "tolist") else list(value)


def length_of(value) -> int | None:
    """How many items it has along its first dimension."""
    shape = getattr(value, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else None
    try:
        return len(value)
    except TypeError:
        return None


def sides_of(value) -> tuple[int, int] | None:
    """Height and width of a picture or mask: of three dimensions the channels are the one with at most 4, or the first."""
    if is_picture(value):
        return value.size[1], value.size[0]
    shape = shape_of(value)
    if shape is None or len(shape) not in (2, 3):
        return None
    if len(shape) == 2:
        return shape[0], shape[1]
    if is_tensor(value) or shape[0] <= 4 < shape[2]:
        return (shape[0], shape[1]) if shape[2] <= 4 < shape[0] else (shape[1], shape[2])
    return shape[0], shape[1]


def shown(value, most: int = MOST_SHOWN) -> str:
    """A value in a few words."""
    if isinstance(value, float):
        return number(value)
    if isinstance(value, (int, bool)) or value is None:
        return str(value)
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:37] + "…")
    if isinstance(value, (list, tuple)) and len(value) <= most and not any(isinstance(v, (list, tuple)) for v in value):
        return "[" + ", ".join(shown(v) for v in value) + "]"
    shape = shape_of(value)
    n = math.prod(shape) if shape is not None else None
    if n is not None and n <= most and (is_tensor(value) or hasattr(value, "tolist")):
        inner = nested(value) if shape else flat(value)[0]
        return shown(inner) if not isinstance(inner, list) or len(inner) <= most else f"{dtype_of(value)} {list(shape)}"
    if shape is not None:
        return f"{dtype_of(value)} {list(shape)}"
    return type(value).__name__


def number(value: float) -> str:
    """A number, short."""
    if isinstance(value, int) or value != value or math.isinf(value):
        return str(value)
    return f"{value:.6g}"


def position(shape: tuple[int, ...], at: int) -> str:
    """A flat index as the index of an item."""
    if not shape:
        return ""
    place: list[int] = []
    for side in reversed(shape):
        place.append(at % side)
        at //= side
    return " at [" + ", ".join(map(str, reversed(place))) + "]"
