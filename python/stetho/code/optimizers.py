"""Optimizers whose parameters are of no model that is trained."""

from __future__ import annotations

import functools
import gc
import os
import sys
import weakref

#: Times that the question is asked anew because modules were made.
_MOST = 20
#: Steps of an optimizer without any gradient of the parameters in question.
_STEPS = 3
_NAMES = 20


def _nobody() -> None:
    """Stands for a reference to an optimizer that is gone."""


class Optimizers:
    """Keeps where optimizers were made, and looks at their first steps."""

    def __init__(self, recorder) -> None:
        self._recorder = recorder
        self._torch = None
        self._made: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
        self._steps: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
        self.stale: list[dict] = []
        self._told: weakref.WeakSet = weakref.WeakSet()
        #: Modules that were made so far.
        self.n_made = 0
        #: A weak reference to the newest optimizer of which there is nothing more to ask, until more modules are made than then.
        self._settled, self._settled_at = _nobody, -1
        self._undo = None
        self._hook = None

    def listen(self, torch) -> None:
        """Hooks the making of optimizers, and their steps."""
        self._torch = torch
        from torch.optim import optimizer as module

        kind = module.Optimizer
        original = kind.__init__
        made, recorder = self._made, self._recorder

        @functools.wraps(original)
        def __init__(self, *args, **kwargs):
            original(self, *args, **kwargs)
            frame = sys._getframe(1)
            while frame is not None and not recorder.is_own(frame.f_code.co_filename):
                frame = frame.f_back
            if frame is not None and recorder.is_on:
                made[self] = (os.path.realpath(frame.f_code.co_filename), frame.f_lineno)

        kind.__init__ = __init__
        self._undo = (kind, original, __init__)
        self._hook = module.register_optimizer_step_pre_hook(self._before)

    def stop(self) -> None:
        """Puts all back."""
        if self._undo is not None and self._undo[0].__init__ is self._undo[2]:
            self._undo[0].__init__ = self._undo[1]
        if self._hook is not None:
            self._hook.remove()
            self._hook = None

    def _before(self, optimizer, args, kwargs) -> None:
        recorder = self._recorder
        if not recorder.is_on or recorder.session.experiment is not None:
            return
        recorder.n_steps += 1
        if self._settled() is optimizer and self._settled_at == self.n_made:
            return
        try:
            recorder.stepping(optimizer)
            n, n_made, n_asked = self._steps.get(optimizer, (0, self.n_made, 0))
            if n_made != self.n_made and n_asked < _MOST:
                n, n_made, n_asked = 0, self.n_made, n_asked + 1
            if n > _STEPS:
                self._settled, self._settled_at = weakref.ref(optimizer), self.n_made
                return
            held = [p for g in optimizer.param_groups for p in g["params"]]
            still = [p for p in held if p.grad is None]
            # One step with gradients ends the question, until another module is made.
            self._steps[optimizer] = (n + 1 if still else _STEPS + 1, n_made, n_asked)
            if still and n + 1 == _STEPS:
                self._look(optimizer, held, still)
        except Exception:
            recorder.failed("looking at an optimizer")

    def _look(self, optimizer, held: list, still: list) -> None:
        """Parameters that never had a gradient: of no model, while those of a model are in no optimizer?"""
        module_class = self._torch.nn.Module
        living = [m for m in gc.get_objects() if issubclass(type(m), module_class)]
        owned = {id(p) for m in living for p in m._parameters.values() if p is not None}
        lost = [p for p in still if id(p) not in owned]
        if len(still) == len(held):
            lost = held  # whoever has them, they are not trained
        if not lost or optimizer in self._told:
            return
        anywhere = {id(p) for o in list(self._made) for g in o.param_groups for p in g["params"]} | {id(p) for p in held}
        inner = {id(c) for m in living for c in m._modules.values()}
        orphans: dict[int, tuple[str, object, object]] = {}
        for root in (m for m in living if id(m) not in inner):
            for name, p in root.named_parameters():
                if p.requires_grad and p.grad is not None and id(p) not in anywhere:
                    orphans.setdefault(id(p), (name, root, p))
        shapes = sorted(tuple(p.shape) for p in lost)
        theirs = sorted(tuple(p.shape) for _, _, p in orphans.values())
        if not orphans or (not all(id(p) not in owned for p in lost) and shapes != theirs):
            return
        self._told.add(optimizer)
        place = self._made.get(optimizer, ("", 0))
        self.stale.append({
            "place": self._recorder.place(*place), "optimizer": type(optimizer).__name__, "n_parameters": len(held),
            "n_in_model": len(held) - len(lost), "orphans": [n for n, _, _ in orphans.values()][:_NAMES], "n_orphans": len(orphans),
            "model_place": self._new_part(orphans, living),
        })

    def _new_part(self, orphans: dict, living: list) -> dict | None:
        """Where the module was made that holds the first of these parameters."""
        made = self._recorder.checkpoints.made
        owner = next((m for m in living if any(id(p) in orphans for p in m._parameters.values())), None)
        place = made.get(owner) if owner is not None else None
        return self._recorder.place(*place) if place is not None else None
