#!/usr/bin/env python3
"""Recall and precision of `near-duplicate-images` on transformed copies, against imagededup, in one run.

Usage: python3 benches/near_duplicates.py [--photos FOLDER] [--leave-out NAME,…]

For each transformation a set is made of all photos and their transformed copies. A pair is right if both come from one photo.
Without --photos, 200 pictures are made in code. Photos that are copies of each other to begin with belong into --leave-out.
"""
import argparse
import json
import shutil
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pictures
from pictures import PEERS, PYTHON
from tables import WORK, machine, run, stetho

import tables

TRANSFORM = """
import sys
from pathlib import Path
from PIL import Image, ImageEnhance, ImageOps
source, target, kind, left_out = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4].split(",")
def crop(p):
    x, y = round(p.width * 0.025), round(p.height * 0.025)
    return p.crop((x, y, p.width - x, p.height - y))
def corner(p):
    return p.crop((0, 0, round(p.width * 0.95), round(p.height * 0.95)))
change = {
    "recompressed, quality 60": lambda p: p,
    "half the size": lambda p: p.resize((max(1, p.width // 2), max(1, p.height // 2)), Image.BICUBIC),
    "5 % cropped, centre": crop,
    "5 % cropped, one corner": corner,
    "15 % brighter": lambda p: ImageEnhance.Brightness(p).enhance(1.15),
    "15 % darker": lambda p: ImageEnhance.Brightness(p).enhance(0.85),
    "mirrored": ImageOps.mirror,
}[kind]
for i, file in enumerate(sorted(f for f in source.iterdir() if f.suffix == ".jpg" and f.name not in left_out)):
    photo = Image.open(file).convert("RGB")
    photo.save(target / f"{i:04}-a.png")
    change(photo).save(target / f"{i:04}-b.jpg", quality=60 if "60" in kind else 90)
"""

DEDUP = """
import sys, json
from imagededup.methods import DHash, PHash
if __name__ == "__main__":
    method = {"dhash": DHash, "phash": PHash}[sys.argv[2]](verbose=False)
    print(json.dumps(method.find_duplicates(encoding_map=method.encode_images(image_dir=sys.argv[1]))))
"""

KINDS = ["recompressed, quality 60", "half the size", "5 % cropped, centre", "5 % cropped, one corner", "15 % brighter",
         "15 % darker", "mirrored"]


def output(command):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"failed: {' '.join(str(c) for c in command)}")
    return json.loads(done.stdout.strip().splitlines()[-1] if command[0] == PYTHON else done.stdout)


def ours(folder):
    """Pairs in one cluster, and those of them that are told to be mirror images."""
    rules = "near-duplicate-images,duplicate-images"
    report = output([stetho(), "check", folder, "--select", rules, "--format", "json", "--all", "--fail-on", "never"])
    pairs, mirrored = set(), set()
    for finding in report["findings"]:
        for evidence in finding["evidence"]:
            for group in evidence.get("groups", []):
                names = [(Path(p["path"]).name, "mirrored" in p.get("caption", "")) for p in group]
                for (a, m), (b, n) in combinations(sorted(names), 2):
                    pairs.add((a, b))
                    if m != n:
                        mirrored.add((a, b))
    return pairs, mirrored


def dedup(folder, method):
    found = output([PYTHON, "-c", DEDUP, folder, method])
    return {tuple(sorted((a, b))) for a, others in found.items() for b in others}


def score(pairs, n):
    right = sum(a[:4] == b[:4] for a, b in pairs)
    precision = f"{right / len(pairs):.3f}" if pairs else "–"
    return f"{right / n:.3f} / {precision}"


def table(source, left_out):
    print("| copies | Stetho, recall / precision | imagededup PHash | imagededup DHash |\n|---|---|---|---|")
    for kind in KINDS:
        folder = WORK / "near"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        run([PYTHON, "-c", TRANSFORM, source, folder, kind, left_out])
        n = len(list(folder.iterdir())) // 2
        pairs, mirrored = ours(folder)
        told = f", {len(mirrored)} told as mirror images" if kind == "mirrored" else ""
        others = " | ".join(score(dedup(folder, method), n) for method in ("phash", "dhash"))
        print(f"| {kind} ({n}) | {score(pairs, n)}{told} | {others} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--leave-out", default="", help="names of files that are copies of others")
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    tables.PEERS = PEERS
    if options.photos is None:
        pictures.set_up([200])
    else:
        pictures.set_up([])
    source = options.photos or pictures.pictures(200)
    print(machine())
    table(source, options.leave_out)


if __name__ == "__main__":
    main()
