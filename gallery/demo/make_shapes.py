"""Makes the data of the demo: 640 small pictures of shapes, each in a box, annotated as COCO; and a list of them with their classes.

    python make_shapes.py FOLDER

One annotation is wrong, as happens when somebody clicks instead of dragging: its box has no width.
"""

import json
import math
import random
import struct
import sys
import zlib
from pathlib import Path

N, SIZE = 640, 48
CLASSES = ("circle", "square", "triangle")
CLICKED = 417


def png(path: Path, rows: list[bytes]) -> None:
    """Writes a grey picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b""))


def is_inside(kind: str, u: float, v: float) -> bool:
    """Whether a point of the box, both coordinates from 0 to 1, is part of the shape."""
    if kind == "circle":
        return (u - 0.5) ** 2 + (v - 0.5) ** 2 < 0.25
    if kind == "triangle":
        return abs(u - 0.5) < v / 2
    return 0.1 < u < 0.9 and 0.1 < v < 0.9


def ground_of():
    """A background of waves, another one for every picture."""
    waves = [(random.gauss(0, 0.25), random.gauss(0, 0.25), random.uniform(0, 6.3), random.uniform(8, 25)) for _ in range(4)]
    level = random.randint(60, 110)
    return lambda r, c: level + sum(height * math.sin(a * r + b * c + phase) for a, b, phase, height in waves)


def main() -> None:
    folder = Path(sys.argv[1])
    pictures = folder / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    random.seed(4)
    images, annotations, lines = [], [], ["path,label"]
    for i in range(N):
        kind = random.randrange(len(CLASSES))
        w, h = random.randint(14, 30), random.randint(14, 30)
        x, y = random.randint(0, SIZE - w), random.randint(0, SIZE - h)
        fore, ground = random.randint(190, 235), ground_of()

        def shade(r: int, c: int) -> int:
            on_shape = 0 <= c - x < w and 0 <= r - y < h and is_inside(CLASSES[kind], (c - x + 0.5) / w, (r - y + 0.5) / h)
            return min(255, max(0, int(random.gauss(0, 9) + (fore if on_shape else ground(r, c)))))

        rows = [bytes(shade(r, c) for c in range(SIZE)) for r in range(SIZE)]
        name = f"{i:04}.png"
        png(pictures / name, rows)
        images.append({"id": i, "file_name": f"pictures/{name}", "width": SIZE, "height": SIZE})
        box = [x, y, 0 if i == CLICKED else w, h]
        annotations.append({"id": i, "image_id": i, "category_id": kind, "bbox": box, "area": box[2] * box[3], "iscrowd": 0})
        lines.append(f"pictures/{name},{CLASSES[kind]}")
    categories = [{"id": i, "name": name} for i, name in enumerate(CLASSES)]
    (folder / "annotations.json").write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")


main()
