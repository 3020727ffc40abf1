"""The samples that did it: their place in the data set, their values, and what a check of the data would say of them."""

from __future__ import annotations

from stetho import data, pictures, rows
from stetho.describe import number

#: Fields of one sample that are shown.
MOST_VALUES = 12
#: Samples whose picture is kept, and boxes drawn on one.
MOST_PICTURES, MOST_BOXES = 12, 200


def describe(investigation, found: list[int]) -> list[dict]:
    """One entry a sample, in the order of the rows."""
    torch, n = investigation.torch, investigation.n_rows
    batch = investigation.loader_batch()
    indices = data.as_indices(batch.indices) if batch is not None else None
    indices = investigation.trip.indices or indices
    if indices is not None and len(indices) != n:
        indices = None
    picked = None if indices is not None else _picked(investigation, n)
    entries = []
    for row in found:
        entry: dict = {"row": row}
        values: list[list[str]] = []
        if investigation.trip.indices is not None:
            entry["index"] = indices[row]  # of a bundle: those of the whole set
        elif indices is not None:
            base, entry["index"] = data.base_index(batch.dataset, indices[row])
            if base is not batch.dataset:
                values.append(["position in the subset", str(indices[row])])
        elif picked is not None:
            entry["index"] = int(picked[row])
        if batch is not None and indices is not None:
            entry["epoch"] = batch.epoch
        for name, tensor in _fields(torch, investigation, n):
            values.extend(_values(torch, name, tensor, row, n))
        if values:
            entry["values"] = values[:MOST_VALUES]
        label = _label(torch, investigation, row, n)
        if label is not None:
            entry["label"] = label
        if len(entries) < MOST_PICTURES:
            shown = _picture(torch, investigation, row, n)
            if shown is not None:
                entry["picture"] = shown
        entries.append(entry)
    return entries


def _fields(torch, investigation, n: int):
    seen: set[int] = set()
    for name, tensor in investigation.batch_tensors:
        if tensor.dim() and n in tensor.shape[:2] and id(tensor) not in seen:
            seen.add(id(tensor))
            yield name, tensor


def _picked(investigation, n: int):
    """Rows of the data set that a batch was sliced or indexed from, without a data loader."""
    seen = investigation.seen
    if seen is None:
        return None
    for pick in investigation.picks():
        if pick.n == n:
            return pick.rows.tolist()
    # Sliced before the body began: the batch's storage is that of the data set.
    for _, tensor in investigation.batch_tensors:
        if tensor.dim() and tensor.shape[0] == n and tensor.storage_offset() and tensor._base is not None:
            base = tensor._base
            if base.dim() and base.shape[0] > n and base.stride(0) and tensor.stride(0) == base.stride(0):
                first = (tensor.storage_offset() - base.storage_offset()) // base.stride(0)
                return list(range(first, first + n))
    return None


def _row(torch, tensor, row: int, n: int):
    d = rows.dimension(tensor.shape[:2], n)
    return None if d is None else tensor.detach().select(d, row)


def _values(torch, name: str, tensor, row: int, n: int) -> list[list[str]]:
    value = _row(torch, tensor, row, n)
    if value is None:
        return []
    if value.numel() == 1:
        return [[name, number(float(value))]]
    if value.numel() <= 8:
        flat = value.reshape(-1).tolist()
        return [[name, "[" + ", ".join(number(float(v)) for v in flat) + "]"]]
    from stetho.describe import tensor_line

    return [[name, tensor_line(value)]]


def _label(torch, investigation, row: int, n: int) -> str | None:
    for name, tensor in investigation.batch_tensors:
        if tensor.dim() == 1 and tensor.shape[0] == n and not tensor.is_floating_point() and tensor.dtype != torch.bool:
            return str(int(tensor[row]))
    return None


def _picture(torch, investigation, row: int, n: int) -> dict | None:
    """The sample as the network sees it, with its boxes; boxes alone on an empty ground."""
    shown, boxes = None, []
    for name, tensor in _fields(torch, investigation, n):
        value = _row(torch, tensor, row, n)
        if value is None or value.is_complex():
            continue
        if shown is None and (value.is_floating_point() or value.dtype == torch.uint8):
            shown = pictures.picture(torch, value)
        if _may_be_boxes(name, value):
            boxes.extend(_corners(value)[0].tolist())
    boxes = [box for box in boxes if all(abs(v) < 1e6 for v in box)][:MOST_BOXES]
    if shown is None:
        far = max((max(box) for box in boxes), default=0.0)
        if far <= 0.0:
            return None
        shown = pictures.blank(round(1.1 * far) + 1, round(1.1 * far) + 1)
    elif boxes and max(max(box) for box in boxes) <= 1.5:
        sides = (shown["width"], shown["height"]) * 2
        boxes = [[v * side for v, side in zip(box, sides)] for box in boxes]
    return {**shown, "boxes": boxes} if boxes else shown


def explain(investigation, found: list[int], entries: list[dict]) -> list[dict]:
    """Rules of `stetho check` that explain a sample: boxes without a side, values that are no numbers."""
    torch, n = investigation.torch, investigation.n_rows
    explained = []
    for row, entry in zip(found, entries):
        what = {"index": entry["index"]} if "index" in entry else {}
        who = f"sample {entry['index']}" if "index" in entry else f"row {row}"
        for name, tensor in _fields(torch, investigation, n):
            value = _row(torch, tensor, row, n)
            if value is None:
                continue
            if value.is_floating_point() and not bool(torch.isfinite(value).all()):
                explained.append({"rule": "non-finite-values", "message": f"`{name}` of {who} holds a value that is no number", **what})
                continue
            box = _box(torch, name, value)
            if box is not None:
                explained.append({"rule": "degenerate-box", "message": f"the box of {who} has {box}", **what})
    return explained[:20]


def _may_be_boxes(name: str, value) -> bool:
    """Whether these are boxes: groups of four numbers under such a name."""
    if value.dim() == 0 or value.shape[-1] != 4 or value.numel() > 4000 or value.dim() > 2:
        return False
    return any(word in name.lower() for word in ("box", "bbox", "roi", "rect", "target", "ann", "label", "y"))


def _corners(value) -> tuple:
    """Boxes of shape (n, 4) as xmin, ymin, xmax, ymax, and their widths and heights. Corners if most of them are ordered, else corner and
    sides."""
    boxes = value.detach().cpu().double().reshape(-1, 4)
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    if value.numel() > 4 and float(((width < 0) | (height < 0)).double().mean()) > 0.3:
        width, height = boxes[:, 2], boxes[:, 3]
        corners = boxes.clone()
        corners[:, 2:] += boxes[:, :2]
        return corners, width, height
    return boxes, width, height


def _box(torch, name: str, value) -> str | None:
    """What is wrong with a box, if this is one: four numbers xmin, ymin, xmax, ymax, or x, y, width, height."""
    if not _may_be_boxes(name, value):
        return None
    boxes = value.detach().double().reshape(-1, 4)
    _, width, height = _corners(value)
    for i in range(boxes.shape[0]):
        if float(width[i]) <= 0 or float(height[i]) <= 0:
            side, size = ("width", float(width[i])) if float(width[i]) <= 0 else ("height", float(height[i]))
            return f"{side} {number(size)}: [{', '.join(number(float(v)) for v in boxes[i])}]"
    return None
