"""What the script loads, and whether it is in the model when the training begins."""

from __future__ import annotations

import functools
import os
import sys
import weakref

from stetho.code import prints
from stetho.identity import ByIdentity

#: Loads of one line that are looked at.
MOST_AT_A_PLACE = 3


class ReadFile:
    """A file of parameters that the user's code read."""

    def __init__(self, path: str, place: tuple[str, int], tensors: dict, torch) -> None:
        self.path, self.place = path, place
        #: Whether an optimizer made its first step afterwards.
        self.before_training = False
        self.prints = [p for p in (prints.of(torch, t) for t in tensors.values()) if p is not None]
        self.identities = {id(t) for t in tensors.values()}
        #: As long as one of its tensors lives, identities are not those of others.
        self.alive = [weakref.ref(t) for t in tensors.values()]
        self.loaded_into = 0
        self.n_in_use = 0
        self.fits = 0.0

    def holds(self, tensor) -> bool:
        """Whether a tensor came from this file."""
        return id(tensor) in self.identities and any(r() is tensor for r in self.alive)


class Loaded:
    """A state that the user's code put into a module."""

    def __init__(self, place: tuple[str, int], module) -> None:
        self.place = place
        self.before_training = False
        self.module = weakref.ref(module)
        self.model = type(module).__name__
        self.file: ReadFile | None = None
        self.facts: dict = {}
        #: What the loaded parameters are after the load, by name.
        self.after: dict[str, tuple] = {}
        self.n_kept: int | None = None
        self.undone = ""
        self.undone_at: tuple[str, int] | None = None


class Checkpoints:
    """Hears of what the user's own code reads and loads."""

    def __init__(self, recorder) -> None:
        self._recorder = recorder
        self._torch = None
        self.files: list[ReadFile] = []
        self.loads: list[Loaded] = []
        #: Where modules were made and initialised by the user, newest last.
        self.made = ByIdentity()
        #: Parameters of all optimizers that have stepped; their models may live on only since we look at them.
        self.trained = ByIdentity()
        self.applied: list[tuple[weakref.ref, tuple[str, int]]] = []
        #: How often each line loaded, and read.
        self.n_loads: dict[tuple[str, int], int] = {}
        self.n_reads: dict[tuple[str, int], int] = {}
        self._undo: list[tuple] = []

    def listen(self, torch) -> None:
        """Hooks PyTorch."""
        self._torch = torch
        self._wrap(torch, "load", self._read)
        self._wrap(torch, "save", self._saved)
        self._wrap_load(torch.nn.Module)
        self._wrap_apply(torch.nn.Module)
        self._wrap_init(torch.nn.Module)

    def listen_to_safetensors(self, module) -> None:
        """Hooks `safetensors.torch`."""
        self._wrap(module, "load_file", self._read)
        self._wrap(module, "save_file", self._saved)

    def _replace(self, owner, name: str, ours) -> None:
        self._undo.append((owner, name, getattr(owner, name), ours))
        setattr(owner, name, ours)

    def stop(self) -> None:
        """Puts the functions back."""
        for owner, name, original, ours in reversed(self._undo):
            if vars(owner).get(name) is ours:
                setattr(owner, name, original)
        self._undo.clear()

    def _place(self, frame) -> tuple[str, int] | None:
        """The line of a frame, if that is the user's and something is to be recorded."""
        if not self._recorder.is_on or frame is None or not self._recorder.is_own(frame.f_code.co_filename):
            return None
        return os.path.realpath(frame.f_code.co_filename), frame.f_lineno

    def _wrap(self, owner, name: str, tell) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def called(*args, **kwargs):
            result = original(*args, **kwargs)
            place = self._place(sys._getframe(1))
            if place is not None:
                try:
                    tell(place, args, kwargs, result)
                except Exception:
                    self._recorder.failed("looking at a checkpoint")
            return result

        self._replace(owner, name, called)

    # -- what is read and written

    def _read(self, place: tuple[str, int], args: tuple, kwargs: dict, result) -> None:
        source = args[0] if args else kwargs.get("f", kwargs.get("filename"))
        path = prints.path_of(source)
        tensors = prints.states_in(self._torch, result)
        if path is None or not tensors or not self._is_new(self.n_reads, place):
            return
        found = ReadFile(path, place, tensors, self._torch)
        if isinstance(result, self._torch.nn.Module):
            found.loaded_into = 1
        self.files.append(found)

    def _saved(self, place: tuple[str, int], args: tuple, kwargs: dict, result) -> None:
        target = args[1] if len(args) > 1 else kwargs.get("f", kwargs.get("filename"))
        self._recorder.files.wrote(prints.path_of(target))

    # -- what is put into modules

    def _wrap_load(self, module_class) -> None:
        original = module_class.load_state_dict
        checkpoints = self

        @functools.wraps(original)
        def load_state_dict(self, state_dict, *args, **kwargs):
            place = checkpoints._place(sys._getframe(1))
            if place is None or not hasattr(state_dict, "keys") or not checkpoints._is_new(checkpoints.n_loads, place):
                return original(self, state_dict, *args, **kwargs)
            before = checkpoints._before(self, state_dict)
            result = original(self, state_dict, *args, **kwargs)
            if before is not None:
                try:
                    strict = args[0] if args else kwargs.get("strict", True)
                    checkpoints._loaded(place, self, state_dict, before, bool(strict), result)
                except Exception:
                    checkpoints._recorder.failed("looking at a load")
            return result

        self._replace(module_class, "load_state_dict", load_state_dict)

    @staticmethod
    def _is_new(counts: dict, place: tuple[str, int]) -> bool:
        """Whether a line is among the first times that it loads: target networks are loaded again and again."""
        counts[place] = counts.get(place, 0) + 1
        return counts[place] <= MOST_AT_A_PLACE

    def _before(self, module, state) -> dict | None:
        try:
            own = module.state_dict(keep_vars=True)
            shared = [n for n, t in own.items() if n in state and prints.same_memory(t, state[n])]
            return {"prints": {n: prints.of(self._torch, t) for n, t in own.items()}, "n_shared": len(shared)}
        except Exception:
            return None

    def _loaded(self, place, module, state, before: dict, strict: bool, result) -> None:
        loaded = Loaded(place, module)
        own = module.state_dict(keep_vars=True)
        missing, unexpected = list(getattr(result, "missing_keys", ())), list(getattr(result, "unexpected_keys", ()))
        held = [n for n in own if n in state]
        after = {n: prints.of(self._torch, own[n]) for n in held}
        changed = [n for n in held if after[n] is not None and after[n] != before["prints"].get(n)]
        loaded.after = {n: p for n, p in after.items() if prints.is_telling(p)}
        loaded.file = next((f for f in self.files for v in list(state.values())[:200] if f.holds(v)), None) or self._by_content(state)
        if loaded.file is not None and held:
            loaded.file.loaded_into += 1
        loaded.facts = {
            "n_parameters": len(own), "n_loaded": len(held), "n_changed": len(changed), "n_in_file": len(state),
            "missing": missing[:prints.NAMES], "unexpected": unexpected[:prints.NAMES], "strict": strict,
            "renamed": prints.renamed(own, state, missing, unexpected),
            "is_own_memory": bool(held) and before["n_shared"] == len(held),
        }
        self.loads.append(loaded)

    def _by_content(self, state) -> ReadFile | None:
        """The file that a state was copied from."""
        some = {p for p in (prints.of(self._torch, v) for v in list(state.values())[:50]) if prints.is_telling(p)}
        return next((f for f in reversed(self.files) if some and some & set(f.prints)), None)

    def _wrap_apply(self, module_class) -> None:
        original = module_class.apply
        checkpoints = self

        @functools.wraps(original)
        def apply(self, fn):
            place = checkpoints._place(sys._getframe(1))
            if place is not None and checkpoints.loads and len(checkpoints.applied) < 1000:
                checkpoints.applied.append((weakref.ref(self), place))
            return original(self, fn)

        self._replace(module_class, "apply", apply)

    def _wrap_init(self, module_class) -> None:
        original = module_class.__init__
        made, recorder, optimizers = self.made, self._recorder, self._recorder.optimizers

        @functools.wraps(original)
        def __init__(self, *args, **kwargs):
            if recorder.is_on:
                frame = sys._getframe(1)
                while frame is not None and (frame.f_code.co_name == "__init__" or not recorder.is_own(frame.f_code.co_filename)):
                    frame = frame.f_back
                if frame is not None:
                    made[self] = (os.path.realpath(frame.f_code.co_filename), frame.f_lineno)
                    optimizers.n_made += 1
            original(self, *args, **kwargs)

        self._replace(module_class, "__init__", __init__)

    # -- at the first step

    def look(self, models: list, optimizer) -> None:
        """An optimizer is about to make its first step: what is in the models of what was read and loaded since the one before did?"""
        torch = self._torch
        files = [f for f in self.files if not f.before_training]
        loads = [one for one in self.loads if not one.before_training]
        if not files and not loads:
            return
        trained = {id(p) for g in optimizer.param_groups for p in g["params"]}
        gone = {id(p) for p in self.trained.keys()} - trained
        models = [m for m in models if any(id(p) in trained for p in m.parameters())] or models
        current = [p for m in models for p in prints.of_module(torch, m).values()]
        in_use = {p for p in current if prints.is_telling(p)}
        shapes = {p[0] for p in current if p is not None}
        everywhere: set | None = None
        for file in files:
            file.before_training = True
            telling = [p for p in file.prints if prints.is_telling(p)]
            file.fits = sum(p[0] in shapes for p in file.prints) / max(len(file.prints), 1)
            file.n_in_use = sum(p in in_use for p in telling)
            if not file.n_in_use and not file.loaded_into:
                everywhere = prints.of_all(torch, gone) if everywhere is None else everywhere
                file.n_in_use = sum(p in everywhere for p in telling)
        for load in loads:
            load.before_training = True
            if load.after:
                everywhere = prints.of_all(torch, gone) if everywhere is None else everywhere
                module = load.module()
                own = set(prints.of_module(torch, module).values()) if module is not None else set()
                load.n_kept = sum(p in everywhere or p in own for p in load.after.values())
                if load.n_kept < len(load.after):
                    self._undone(load, models)

    def _undone(self, load: Loaded, models: list) -> None:
        module = load.module()
        if module is None:
            again = next((m for m in models if type(m).__name__ == load.model), None)
            load.undone = f"`{load.model}` was made anew"
            load.undone_at = self.made.get(again) if again is not None else None
            return
        load.undone = "they were initialised anew"
        inside = set(map(id, module.modules()))
        hit = [p for ref, p in self.applied if ref() is not None and (id(ref()) in inside or module in set(ref().modules()))]
        load.undone_at = hit[-1] if hit else None
