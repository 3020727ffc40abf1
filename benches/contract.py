"""What a contract costs a picture loader: passes over the same loader by turns, with and without.

    python3 benches/contract.py [--write docs/benchmarks.md] [--rounds N] [--pictures N]

Needs an interpreter with PyTorch, torchvision and the wheel of this project. The loader decodes JPEGs of 500×375 that are like photos in two workers, and makes of
each what ImageNet is trained with: a part at 224×224, flipped, as normalised floats; with boxes and labels; the contract asks shape, type, range and finiteness of the pictures, and of the boxes that they lie inside.
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from pathlib import Path

import numpy as np
import stetho
import torch
from PIL import Image
from pictures import write
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from stetho.contracts.wrap import TOGETHER

CONTRACT = {
    "[0]": {"shape": [3, 224, 224], "dtype": "float32", "min": -3.0, "max": 3.0, "finite": True},
    "[1].boxes": {"boxes": "xyxy", "inside": "[0]", "min_side": 1.0},
    "[1].labels": {"dtype": "int64", "values": list(range(20))},
}


def _photo(generator) -> np.ndarray:
    """500×375 pixels whose power falls with the frequency, as that of photos does."""
    fy, fx = np.meshgrid(np.fft.fftfreq(375), np.fft.rfftfreq(500), indexing="ij")
    falling = 1 / np.maximum(np.hypot(fx, fy), 1 / 500) ** 1.1
    fields = [np.fft.irfft2(falling * np.exp(2j * np.pi * generator.random(falling.shape)), s=(375, 500)) for _ in range(3)]
    common, tint = fields[0] / fields[0].std(), [f / f.std() for f in fields]
    pixels = np.stack([128 + 45 * common + 15 * t for t in tint], 2)
    return np.clip(pixels, 0, 255).astype(np.uint8)


class Pictures(Dataset):
    """JPEGs in memory, decoded one by one."""

    def __init__(self, n: int, n_kinds: int = 64) -> None:
        generator = np.random.default_rng(0)
        self._n = n
        self._transform = transforms.Compose([
            transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(), transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ])
        self._files = []
        for _ in range(n_kinds):
            file = io.BytesIO()
            Image.fromarray(_photo(generator)).save(file, "JPEG", quality=90)
            self._files.append(file.getvalue())

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, i: int):
        generator = np.random.default_rng(i)
        picture = Image.open(io.BytesIO(self._files[i % len(self._files)])).convert("RGB")
        x = self._transform(picture)
        corner = generator.integers(0, 150, (5, 2))
        boxes = np.concatenate([corner, corner + generator.integers(10, 70, (5, 2))], 1).astype(np.float32)
        return x, {"boxes": torch.from_numpy(boxes), "labels": torch.from_numpy(generator.integers(0, 20, 5))}


def collate(batch):
    """Pictures as a batch, boxes as a list."""
    return torch.stack([x for x, _ in batch]), [target for _, target in batch]


def seconds(loader) -> float:
    """One pass over a loader, its workers running already."""
    start = time.perf_counter()
    for _ in loader:
        pass
    return time.perf_counter() - start


def measure(rounds: int, n: int) -> tuple[list[float], list[float]]:
    """Seconds of each pass without and with the contract."""
    made = {"num_workers": 2, "collate_fn": collate, "persistent_workers": True}
    plain = DataLoader(Pictures(n), 32, **made)
    kept = stetho.contract(DataLoader(Pictures(n), 32, **made), CONTRACT)
    for loader in (plain, kept):
        seconds(loader)  # workers start, caches fill
    without, with_contract = [], []
    for turn in range(rounds):
        for name in ("plain", "kept") if turn % 2 else ("kept", "plain"):
            (without if name == "plain" else with_contract).append(seconds(plain if name == "plain" else kept))
    return without, with_contract


def alone(repetitions: int = 15) -> tuple[float, float]:
    """Processor seconds of making one sample, and of one look at it, both in one thread as in a worker; the median of repetitions by turns."""
    torch.set_num_threads(1)
    data = Pictures(64)
    guard = stetho.contracts.Guard(stetho.Contract(CONTRACT), "bench")
    makes, looks = [], []
    for _ in range(repetitions):
        making = looking = 0.0
        for at in range(0, len(data), TOGETHER):
            start = time.thread_time()
            samples = [data[i] for i in range(at, at + TOGETHER)]
            made = time.thread_time()
            for i, sample in enumerate(samples):
                guard.look(sample, i)
            making += made - start
            looking += time.thread_time() - made
        makes.append(making / len(data))
        looks.append(looking / len(data))
    return statistics.median(makes), statistics.median(looks)


def table(rounds: int, n: int) -> str:
    """The measurement as Markdown."""
    make, look = alone()
    without, with_contract = measure(rounds, n)
    ratio = statistics.median(a / b for a, b in zip(with_contract, without))
    lines = [
        "| a sample made | a look at it | share | a pass of two workers without | with the contract | ratio (median of pairs) |",
        "|---|---|---|---|---|---|",
        f"| {make * 1e3:.2f} ms | {look * 1e6:.0f} µs | {100 * look / make:.2f} % | {statistics.median(without):.2f} s | "
        f"{statistics.median(with_contract):.2f} s | {ratio:.3f}× |",
        "",
        f"Processor time of one thread; passes over {n:,} pictures, {rounds} rounds by turns.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measures, prints, and writes where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--pictures", type=int, default=2048)
    options = parser.parse_args()
    text = table(options.rounds, options.pictures)
    print(text)
    if options.write:
        write(options.write, "contract", text)


if __name__ == "__main__":
    main()
