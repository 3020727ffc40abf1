"""Data that needs no download: the sets of scikit-learn, and sets made in code. Each function returns (train, validation)."""

import numpy
import torch
from sklearn import datasets


def tensors(x, y):
    x = torch.as_tensor(numpy.asarray(x), dtype=torch.float32)
    y = numpy.asarray(y)
    return x, torch.as_tensor(y, dtype=torch.long if y.dtype.kind in "iu" else torch.float32)


def split(x, y, share=0.75, seed=0):
    order = numpy.random.default_rng(seed).permutation(len(x))
    x, y = tensors(numpy.asarray(x)[order], numpy.asarray(y)[order])
    cut = int(len(x) * share)
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])


def digits():
    x, y = datasets.load_digits(return_X_y=True)
    return split((x - x.mean()) / x.std(), y)


def cancer():
    x, y = datasets.load_breast_cancer(return_X_y=True)
    return split((x - x.mean(0)) / x.std(0), y)


def diabetes():
    """A regression; inputs and target have mean 0 and deviation 1."""
    x, y = datasets.load_diabetes(return_X_y=True)
    return split(x / x.std(0), ((y - y.mean()) / y.std())[:, None])


def blobs(n=2000, classes=5, features=20, spread=4.0):
    return split(*datasets.make_blobs(n, features, centers=classes, cluster_std=spread, center_box=(-3, 3), random_state=1))


def spirals(n=2000, turns=1.5, noise=0.05):
    random = numpy.random.default_rng(2)
    y = random.integers(2, size=n)
    radius = numpy.sqrt(random.random(n))
    angle = 2 * numpy.pi * turns * radius + numpy.pi * y
    x = numpy.stack([radius * numpy.cos(angle), radius * numpy.sin(angle)], 1) + noise * random.normal(size=(n, 2))
    return split(x, y)


def noisy_labels(n=4000, features=10, strength=0.8):
    """Two classes of which the features tell little: the best loss is near 0.6."""
    random = numpy.random.default_rng(3)
    x = random.normal(size=(n, features))
    logit = strength * x @ random.normal(size=features) / numpy.sqrt(features)
    return split(x, (random.random(n) < 1 / (1 + numpy.exp(-logit))).astype(int))


def rare_class(n=6000, share=0.03):
    random = numpy.random.default_rng(4)
    y = (random.random(n) < share).astype(int)
    return split(random.normal(size=(n, 12)) + 0.9 * y[:, None], y)


def waves(n=3000, features=4, noise=0.1):
    """A smooth regression with a deviation of about 1."""
    random = numpy.random.default_rng(5)
    x = random.uniform(-2, 2, (n, features))
    y = numpy.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] / 2 + noise * random.normal(size=n)
    return split(x, ((y - y.mean()) / y.std())[:, None])


def shapes(n=2000, size=16, noise=0.3):
    """Pictures of a square, a disc or a cross: (x, class, box), the box as centre and side in parts of the picture."""
    random = numpy.random.default_rng(6)
    y = random.integers(3, size=n)
    half = random.integers(2, 5, n)
    centre = random.integers(5, size - 5, (n, 2))
    down, right = numpy.mgrid[:size, :size]
    dy, dx = numpy.abs(down - centre[:, 0, None, None]), numpy.abs(right - centre[:, 1, None, None])
    h = half[:, None, None]
    kinds = [
        numpy.maximum(dx, dy) <= h,
        dx**2 + dy**2 <= h**2,
        (numpy.minimum(dx, dy) == 0) & (numpy.maximum(dx, dy) <= h),
    ]
    x = numpy.choose(y[:, None, None], kinds) + noise * random.normal(size=(n, size, size))
    box = numpy.column_stack([centre / size, (2 * half + 1) / size])
    parts = (
        torch.as_tensor(x[:, None], dtype=torch.float32),
        torch.as_tensor(y),
        torch.as_tensor(box, dtype=torch.float32),
    )
    cut = n * 3 // 4
    return tuple(p[:cut] for p in parts), tuple(p[cut:] for p in parts)


LETTERS = " .abcdefghijklmnopqrstuvwxyz"


def text(sentences=4000, seed=7):
    """Sentences of a small grammar, as numbers of `LETTERS`."""
    random = numpy.random.default_rng(seed)
    nouns = "cat dog bird child teacher river garden house tree stone".split()
    verbs = "sees finds likes follows passes holds paints".split()
    adjectives = "old small green quiet happy strange".split()

    def thing():
        middle = [random.choice(adjectives)] if random.random() < 0.4 else []
        tail = ["in", "the", random.choice(nouns)] if random.random() < 0.2 else []
        return [random.choice(["the", "a"]), *middle, random.choice(nouns), *tail]

    words = " ".join(" ".join([*thing(), random.choice(verbs), *thing()]) + "." for _ in range(sentences))
    return torch.tensor([LETTERS.index(letter) for letter in words])


def windows(letters, length=32):
    """Inputs and the letters that follow, cut into windows of equal length."""
    n = (len(letters) - 1) // length
    return letters[: n * length].view(n, length), letters[1 : n * length + 1].view(n, length)


def adding_problem(n, length=24):
    """Sequences of numbers of which two are marked; the target is the sum of these (Hochreiter and Schmidhuber 1997)."""
    marks = torch.zeros(n, length)
    for part in (slice(0, length // 2), slice(length // 2, None)):
        marks[:, part].scatter_(1, torch.randint(length // 2, (n, 1)), 1.0)
    x = torch.stack([torch.rand(n, length), marks], 2)
    return x, x.prod(2).sum(1, keepdim=True)
