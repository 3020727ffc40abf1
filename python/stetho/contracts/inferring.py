"""A contract from samples: what nearly all of them keep. What is a matter of chance is left for the user to say."""

from __future__ import annotations

import math
from collections import Counter

from stetho.contracts import boxes, paths, values
from stetho.contracts.declare import Contract, Field
from stetho.contracts.violation import ContractError

#: Share of the samples that must keep a rule for it to be one: the samples may hold faults themselves.
MOST = 0.95
#: Of the boxes, since a set with faults has them here.
MOST_BOXES = 0.85
#: Samples from which a label set, an order or a pair is concluded.
ENOUGH = 32
#: Numbers beyond which a field is a picture, a signal: its range is known from a few.
LARGE = 64
#: A range that is not a natural one is widened by so many times itself.
SLACK = 10.0
#: Ranges of pictures.
NATURAL = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))


class Seen:
    """What was seen of one field."""

    def __init__(self) -> None:
        self.n = self.n_none = self.n_finite = self.n_numbers = 0
        self.shapes: Counter = Counter()
        self.dtypes: Counter = Counter()
        self.low, self.high = math.inf, -math.inf
        self.size = 0
        self.labels: Counter = Counter()
        self.is_integer = True
        self.n_ordered = self.n_long = self.n_boxes = 0
        self.forms: Counter = Counter()
        self.contents: set = set()

    def see(self, value, sides: tuple[int, int] | None, is_box: bool) -> None:
        """One value of the field."""
        self.n += 1
        if value is None:
            self.n_none += 1
            return
        shape = values.shape_of(value)
        self.shapes[shape] += 1
        self.dtypes[values.dtype_of(value)] += 1
        self.size = max(self.size, math.prod(shape) if shape else 1)
        if values.is_picture(value):
            return
        ends = values.extremes(value)
        if ends is not None:
            self.n_numbers += 1
            if math.isfinite(ends[0]) and math.isfinite(ends[1]):
                self.n_finite += 1
                self.low, self.high = min(self.low, ends[0]), max(self.high, ends[1])
        if self.size > 4096:
            self.is_integer = False
            return
        self._small(value, shape, sides, is_box)

    def _small(self, value, shape, sides, is_box: bool) -> None:
        many = values.flat(value) if shape is not None else []
        if all(isinstance(v, int) for v in many):
            self.labels.update(many)
        else:
            self.is_integer = False
        if shape is not None and len(shape) == 1 and shape[0] >= 3:
            self.n_long += 1
            self.n_ordered += all(a < b for a, b in zip(many, many[1:]))
            self.contents.add(tuple(many[:16]))
        rows = boxes.rows(value) if is_box else None
        for box in rows or ():
            self.n_boxes += 1
            for form in ("xyxy", "xywh"):
                x0, y0, x1, y1 = boxes.corners(box, form)
                if not (x0 < x1 and y0 < y1):
                    continue
                self.forms[form] += 1
                height, width = sides or (math.inf, math.inf)
                x, y = boxes.SLACK * width, boxes.SLACK * height
                if sides is not None and min(x0 + x, y0 + y) >= 0 and x1 <= width + x and y1 <= height + y:
                    self.forms[form, "inside"] += 1
                if min(x0, y0) >= -1e-3 and max(x1, y1) <= 1.001:
                    self.forms[form, "unit"] += 1


def infer(samples, classes: int | None = None) -> Contract:
    """The contract that these samples keep.

    `classes` is how many classes the data set says it has, if it does.
    """
    seen: dict[tuple, Seen] = {}
    lengths: dict[tuple, list] = {}
    sides: dict[tuple, list] = {}
    n = 0
    for sample in samples:
        n += 1
        _see(sample, n, seen, lengths, sides)
    if n == 0:
        raise ContractError("no sample could be had, so no contract can be inferred")
    fields = {paths.text(steps): _field(steps, s, n, seen, classes) for steps, s in seen.items()}
    return Contract(fields, _alike(lengths, n), _pictures(sides, n), policy="warn")


def _see(sample, n: int, seen: dict, lengths: dict, sides: dict) -> None:
    held = list(paths.leaves(sample))
    picture = next((values.sides_of(v) for _, v in held if _is_picture(v)), None)
    for steps, value in held:
        seen.setdefault(steps, Seen()).see(value, picture, _is_box(steps, value))
        if paths.ALL in steps:
            continue
        shape = values.shape_of(value) if value is not None else None
        if shape and not _is_picture(value):
            lengths.setdefault(steps, [None] * (n - 1)).append(shape[0])
        if _is_picture(value) or shape is not None and len(shape) == 2 and min(shape) > 8:
            sides.setdefault(steps, [None] * (n - 1)).append(values.sides_of(value))
    for known in (lengths, sides):
        for sizes in known.values():
            sizes.extend([None] * (n - len(sizes)))


def _is_picture(value) -> bool:
    if values.is_picture(value):
        return True
    shape = values.shape_of(value)
    return shape is not None and len(shape) == 3 and min(shape) <= 4 and sorted(shape)[1] >= 8


def _is_box(steps: tuple, value) -> bool:
    name = str(steps[-1] if steps else "").lower()
    shape = values.shape_of(value) if value is not None else None
    return bool(shape) and shape[-1] == 4 and len(shape) <= 2 and ("box" in name or len(shape) == 2 and any("box" in str(s) for s in steps))


def _field(steps: tuple, s: Seen, n: int, seen: dict, classes: int | None) -> Field:
    if s.n == s.n_none:
        return Field(optional=True)
    said: dict = {}
    present = s.n - s.n_none
    if s.n_none or paths.ALL not in steps and s.n < n:
        said["optional"] = True
    dtype, count = s.dtypes.most_common(1)[0]
    if count >= MOST * present:
        said["dtype"] = dtype
    shape = _shape(s.shapes, present)
    if shape:
        said["shape"] = shape
    is_float = dtype.startswith(("float", "bfloat"))
    if is_float and s.n_numbers and s.n_finite >= MOST * s.n_numbers:
        said["finite"] = True
    form = next((f for f in ("xyxy", "xywh") if s.n_boxes and s.forms[f] >= MOST_BOXES * s.n_boxes and _is_inside(s, f)), None)
    if form is not None:
        said["boxes"] = form
        if s.forms[form, "unit"] >= MOST * s.n_boxes:
            said["inside"] = "unit"
        elif s.forms[form, "inside"] >= MOST_BOXES * s.n_boxes:
            said["inside"] = next(paths.text(p) for p, other in seen.items() if _holds_pictures(other))
    elif s.n_long >= ENOUGH and s.n_ordered == s.n_long and len(s.contents) > s.n_long // 2:
        said["increasing"] = "strictly"
    elif s.is_integer and dtype.startswith(("int", "uint")) and s.labels:
        said.update(_labels(s, classes))
    elif s.size >= LARGE and s.n_finite and not dtype.startswith(("uint8", "bool")):
        said["min"], said["max"] = _range(s.low, s.high)
    return Field(**said)


def _is_inside(s: Seen, form: str) -> bool:
    """Corners in order may also be a corner and sides; then what lies in the picture decides."""
    if s.forms["xyxy"] < MOST_BOXES * s.n_boxes or s.forms["xywh"] < MOST_BOXES * s.n_boxes:
        return True
    best = max(("xyxy", "xywh"), key=lambda f: (s.forms[f, "inside"], s.forms[f, "unit"], f == "xyxy"))
    return form == best


def _holds_pictures(s: Seen) -> bool:
    shape = next((shape for shape in s.shapes if shape), None)
    return shape is not None and len(shape) >= 2 and min(sorted(shape)[-2:]) >= 8


def _shape(shapes: Counter, n: int) -> tuple | None:
    """Sides that are always the same are told; the number of dimensions must be."""
    if None in shapes:
        return None
    n_dims, count = Counter({d: sum(c for s, c in shapes.items() if len(s) == d) for d in {len(s) for s in shapes}}).most_common(1)[0]
    if count < MOST * n or n_dims == 0:
        return None
    sides = []
    for i in range(n_dims):
        side, same = Counter({k: sum(c for s, c in shapes.items() if len(s) == n_dims and s[i] == k) for k in {s[i] for s in shapes if len(s) == n_dims}}).most_common(1)[0]
        sides.append(side if same >= MOST * n and n >= 8 else None)
    return tuple(sides)


def _labels(s: Seen, classes: int | None) -> dict:
    """The label set where the data set says it, or where all classes are frequent; else only that nothing is below 0."""
    if min(s.labels) < 0:
        return {}
    if classes is not None and max(s.labels) < classes and s.size == 1:
        return {"values": tuple(range(classes))}
    n_classes, n = max(s.labels) + 1, sum(s.labels.values())
    rarest = min(s.labels.values())
    is_whole = len(s.labels) == n_classes and 2 <= n_classes <= 100
    if is_whole and n >= ENOUGH and rarest >= 5 and rarest >= n / n_classes / 4:
        return {"values": tuple(range(n_classes))}
    return {"min": 0}


def _range(low: float, high: float) -> tuple[float, float]:
    for least, most in NATURAL:
        if least <= low and high <= most and high - low >= 0.5 * (most - least):
            return least, most
    span = max(high - low, 1e-6)
    return _round(low - SLACK * span), _round(high + SLACK * span)


def _round(value: float) -> float:
    """Two digits, which is as much as is meant."""
    return float(f"{value:.2g}")


def _alike(lengths: dict, n: int) -> list[tuple[str, ...]]:
    """Fields whose lengths vary, and are the same in every sample."""
    if n < 8:
        return []
    groups: list[list] = []
    for steps, sizes in lengths.items():
        if len(set(sizes)) < 3:
            continue
        group = next((g for g in groups if sum(a == b for a, b in zip(lengths[g[0]], sizes)) >= MOST * n), None)
        if group is None:
            groups.append([steps])
        else:
            group.append(steps)
    return [tuple(paths.text(s) for s in g) for g in groups if len(g) > 1]


def _pictures(sides: dict, n: int) -> list[tuple[str, ...]]:
    """Pictures and their masks: the same height and width in every sample."""
    first = next(iter(sides), None)
    if first is None or n < 8:
        return []
    group = [first]
    for steps, sizes in list(sides.items())[1:]:
        same = sum(a == b for a, b in zip(sides[first], sizes))
        is_mask = any(word in str(steps[-1]).lower() for word in ("mask", "label", "target", "seg"))
        if same >= MOST * n and (is_mask or len(set(sizes)) > 1 or isinstance(steps[-1], int)):
            group.append(steps)
    return [tuple(paths.text(s) for s in group)] if len(group) > 1 else []
