"""Boxes: corners in order, sides of some length, inside the picture."""

from __future__ import annotations

from collections.abc import Callable

from stetho.contracts import paths, values
from stetho.contracts.declare import Field

#: How far a corner may lie outside, as a share of the side: what rounding does.
SLACK = 1e-3


def words(said: Field) -> tuple[str, ...]:
    """The rules, in the order in which `check` numbers them."""
    inside = "inside the picture" if said.inside != "unit" else "between 0 and 1"
    least = f"sides of at least {values.number(said.min_side)}"
    if said.boxes == "xyxy":
        return "four numbers a box", "xmin < xmax", "ymin < ymax", least, inside
    return "four numbers a box", "width > 0", "height > 0", least, inside


def corners(box, written: str) -> tuple[float, float, float, float]:
    """`xmin, ymin, xmax, ymax` of a box."""
    a, b, c, d = box
    if written == "xyxy":
        return a, b, c, d
    if written == "xywh":
        return a, b, a + c, b + d
    return a - c / 2, b - d / 2, a + c / 2, b + d / 2


def rows(value) -> list | None:
    """Boxes as a list of lists of four; None where it is none."""
    many = values.nested(value)
    if not many:
        return []
    if not isinstance(many[0], (list, tuple)) and not hasattr(many[0], "tolist"):
        many = [many]
    many = [values.nested(box) if hasattr(box, "tolist") else box for box in many]
    return many if all(len(box) == 4 for box in many) else None


def check(said: Field) -> Callable:
    """The function that looks at the boxes of a sample."""
    written, least = said.boxes, said.min_side
    picture = None if said.inside in (None, "unit") else () if said.inside == "sample" else paths.parse(said.inside)

    def look(value, sample):
        many = rows(value)
        if many is None:
            return 0, f"shape {list(values.shape_of(value) or ())}"
        height = width = None
        if picture is not None:
            held = paths.get(sample, picture)
            sides = values.sides_of(held) if held is not paths.MISSING else None
            if sides is not None:
                height, width = sides
        elif said.inside == "unit":
            height = width = 1.0
        for i, box in enumerate(many):
            which = _wrong(box, written, least, height, width)
            if which is not None:
                return which, _shown(box, i, len(many), which, height, width)
        return None

    return look


def _wrong(box, written: str, least: float, height, width) -> int | None:
    x0, y0, x1, y1 = corners(box, written)
    # Written so that NaN is wrong.
    if not x0 < x1:
        return 1
    if not y0 < y1:
        return 2
    if x1 - x0 < least or y1 - y0 < least:
        return 3
    if width is None:
        return None
    x, y = SLACK * width, SLACK * height
    return None if -x <= x0 and -y <= y0 and x1 <= width + x and y1 <= height + y else 4


def _shown(box, i: int, n: int, which: int, height, width) -> str:
    text = values.shown(list(box))
    if n > 1:
        text += f" (box {i})"
    if which == 4 and width != 1.0:
        text += f" of a picture {width} wide, {height} high"
    return text
