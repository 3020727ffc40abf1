#!/usr/bin/env python3
"""`stetho check` against cleanvision and imagededup on one set of pictures, in one run.

Usage: python3 benches/pictures.py [--pictures 5000] [--write docs/benchmarks.md]

Makes its own virtual environment and data under target/bench, builds the release binary, and prints a table of ratios.
Each measurement is a process of its own; the best of the repetitions counts. Peak memory is the largest resident set of the
process and, for what starts processes of its own, of each of them, the largest one.
"""
import argparse
import os
import subprocess
import sys
from pathlib import Path

import tables
from tables import ROOT, WORK, measure, run, stetho

PYTHON = WORK / "venv-pictures" / "bin" / "python"
PEERS = ["cleanvision==0.3.7", "imagededup==0.3.3.post2"]

# Photo-like: shapes over a coloured slope, and noise whose power falls with its frequency, as that of photos does.
MAKE = """
import sys, numpy as np
from pathlib import Path
from PIL import Image, ImageDraw
first, last, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
width, height = 640, 480
fy, fx = np.meshgrid(np.fft.fftfreq(height), np.fft.rfftfreq(width), indexing="ij")
falling = 1 / np.maximum(np.hypot(fx, fy), 1 / width) ** 1.1
def field(seed):
    rng = np.random.default_rng(seed)
    noise = np.fft.irfft2(falling * np.exp(2j * np.pi * rng.random(falling.shape)), s=(height, width))
    return (noise / noise.std()).astype(np.float32)
fields = [field(10**6 + i) for i in range(24)]
grain = np.random.default_rng(0).normal(0, 3, (height, width)).astype(np.float32)
for i in range(first, last):
    rng = np.random.default_rng(i)
    picture = Image.new("RGB", (width, height), tuple(rng.integers(40, 216, 3).tolist()))
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.integers(6, 16)):
        x, y = rng.integers(-80, width), rng.integers(-80, height)
        w, h = rng.integers(40, 320, 2)
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape([int(x), int(y), int(x + w), int(y + h)], fill=tuple(rng.integers(0, 256, 3).tolist()))
    turned = lambda f: np.roll(f, (int(rng.integers(height)), int(rng.integers(width))), (0, 1))
    noise = sum(turned(fields[k]) for k in rng.integers(0, len(fields), 2)) * np.float32(rng.uniform(14, 28)) + turned(grain)
    tint = (1 + rng.normal(0, 0.15, 3)).astype(np.float32)
    pixels = np.asarray(picture, dtype=np.float32) + noise[..., None] * tint
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / f"{i:05}.jpg", quality=88)
"""

CLEANVISION = """
import sys
from cleanvision import Imagelab
if __name__ == "__main__":
    lab = Imagelab(data_path=sys.argv[1])
    lab.find_issues(n_jobs=2, verbose=False)
    print(len(lab.issues))
"""

IMAGEDEDUP = """
import sys
from imagededup.methods import DHash, PHash
if __name__ == "__main__":
    method = {"dhash": DHash, "phash": PHash}[sys.argv[2]](verbose=False)
    method.find_duplicates(encoding_map=method.encode_images(image_dir=sys.argv[1]))
"""


def set_up(counts):
    if not PYTHON.exists():
        run([sys.executable, "-m", "venv", PYTHON.parent.parent])
    run([PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS])
    run(["cargo", "build", "--release", "--quiet", "--package", "stetho"], cwd=ROOT)
    for n in counts:
        folder = pictures(n)
        have = len(list(folder.glob("*.jpg"))) if folder.exists() else 0
        if have < n:
            folder.mkdir(parents=True, exist_ok=True)
            run([PYTHON, "-c", MAKE, have and have - 1, n, folder])


def pictures(n):
    return WORK / f"pictures-{n}"


def table(n, with_cleanvision):
    folder = pictures(n)
    megabytes = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    check = lambda folder, **how: measure([stetho(), "check", folder, "--format", "json", "--fail-on", "never"], **how)
    ours, ours_peak = check(folder, repeat=2)
    doubled, doubled_peak = check(pictures(2 * n), repeat=1)
    lines = [
        f"{n:,} JPEG files of 640 × 480, {megabytes * 1000 / n:.0f} KB each on average",
        "",
        "| what | seconds | pictures/s | peak MiB | ratio |",
        "|---|---|---|---|---|",
        f"| `stetho check`: all rules, the report | {ours:.2f} | {n / ours:.0f} | {ours_peak:.0f} | 1 |",
        f"| `stetho check`, twice the pictures | {doubled:.2f} | {2 * n / doubled:.0f} | {doubled_peak:.0f} | memory × {doubled_peak / ours_peak:.2f} |",
    ]
    peers = [(f"imagededup {name}: encode and find", [PYTHON, "-c", IMAGEDEDUP, folder, name.lower()]) for name in ("DHash", "PHash")]
    if with_cleanvision:
        script = WORK / "cleanvision_check.py"  # a file: its processes import it
        script.write_text(CLEANVISION)
        peers.insert(0, ("cleanvision, its default checks, 2 processes", [PYTHON, script, folder]))
    for name, command in peers:
        seconds, peak = measure(command, repeat=1)
        lines.append(f"| {name} | {seconds:.2f} | {n / seconds:.0f} | {peak:.0f} | Stetho is {seconds / ours:.1f}× as fast |")
    return "\n".join(lines)


def write(page, name, text):
    """Replaces what stands between the markers of this name in a Markdown file."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    head, rest = page.read_text().split(begin)
    page.write_text(f"{head}{begin}\n{text}\n{end}{rest.split(end)[1]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--without-cleanvision", action="store_true", help="it takes minutes")
    parser.add_argument("--write", type=Path, help="replace the table in this Markdown file")
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    tables.PEERS = PEERS
    set_up([options.pictures, 2 * options.pictures])
    text = f"{tables.machine()}\n\n{table(options.pictures, not options.without_cleanvision)}"
    print(text)
    if options.write:
        write(options.write, "pictures", text)


if __name__ == "__main__":
    main()
