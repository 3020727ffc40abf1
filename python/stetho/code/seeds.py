"""Which sources of random numbers were seeded, and which were drawn from."""

from __future__ import annotations

import functools
import random
import sys


class Seeds:
    """Hears of seeds; compares the states at the end with those at the start."""

    def __init__(self, recorder) -> None:
        self._recorder = recorder
        self._seeded: set[str] = set()
        self._python = random.getstate()
        self._numpy = None
        self._torch: tuple | None = None
        #: Generators that were made without a seed.
        self.generators: list[tuple[str, int]] = []
        self._undo: list[tuple] = []
        self._wrap(random, "seed", "python random")
        self._wrap(random, "setstate", "python random")

    def _wrap(self, owner, name: str, source: str) -> None:
        original = getattr(owner, name)
        seeded = self._seeded

        @functools.wraps(original)
        def seed(*args, **kwargs):
            # Without a number the source is as random as before.
            if (args and args[0] is not None) or kwargs:
                seeded.add(source)
            return original(*args, **kwargs)

        setattr(owner, name, seed)
        self._undo.append((owner, name, original, seed))

    def listen_to_numpy(self, module) -> None:
        """Hooks `numpy.random`."""
        self._numpy = _numpy_state(module)
        self._wrap(module, "seed", "numpy")
        self._wrap(module, "set_state", "numpy")
        original = module.default_rng
        recorder, generators = self._recorder, self.generators

        @functools.wraps(original)
        def default_rng(*args, **kwargs):
            frame = sys._getframe(1)
            if not args and not kwargs and recorder.is_on and recorder.is_own(frame.f_code.co_filename):
                if len(generators) < 100:
                    generators.append((frame.f_code.co_filename, frame.f_lineno))
            return original(*args, **kwargs)

        module.default_rng = default_rng
        self._undo.append((module, "default_rng", original, default_rng))

    def listen(self, torch) -> None:
        """Keeps where PyTorch's generator begins."""
        self._torch = (torch.initial_seed(), torch.get_rng_state())

    def stop(self) -> None:
        """Puts the functions back."""
        for owner, name, original, ours in reversed(self._undo):
            if vars(owner).get(name) is ours:
                setattr(owner, name, original)
        self._undo.clear()

    def record(self, torch) -> list[dict]:
        """What is known of each source."""
        numpy = sys.modules.get("numpy.random")
        found = [_source("python random", "python random" in self._seeded, random.getstate() != self._python)]
        if numpy is not None and self._numpy is not None:
            found.append(_source("numpy", "numpy" in self._seeded, _numpy_state(numpy) != self._numpy))
        if torch is not None and self._torch is not None:
            seed, state = self._torch
            found.append(_source("torch", torch.initial_seed() != seed, not torch.equal(torch.get_rng_state(), state)))
        if self.generators:
            found.append({**_source("numpy generator", False, True), "place": self._recorder.place(*self.generators[0])})
        return found


def _source(name: str, seeded: bool, used: bool) -> dict:
    return {"source": name, "seeded": seeded, "used": used, "place": None}


def _numpy_state(module) -> tuple:
    state = module.get_state()
    return (state[0], state[1].tobytes(), *state[2:])
