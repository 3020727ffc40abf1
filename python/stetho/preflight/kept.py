"""All that a training step may change, put back: tensors bit for bit, containers and objects as they were.

The state of an optimizer that did not exist before is gone again after `Kept.restore`, and so is a loss appended to a list.
"""

from __future__ import annotations

from stetho.preflight.walk import Walk, dict_of, place_in, version


class Kept(Walk):
    """The state before the preflight."""

    def __init__(self, session) -> None:
        super().__init__(session)
        #: What could not be put back.
        self.failures: list[str] = []

    def take(self, roots: list) -> None:
        """Keeps all that can be reached from `roots` (variables and values) and from living models and optimizers."""
        super().take(roots)
        self._generator_states = self.generator_states()

    def generator_states(self) -> list:
        """States of the user's own generators, as they are."""
        return [get() for _, get in self._generators]

    def keep_generators(self, before: list) -> None:
        """Generators that are no longer where they were `before` are to stay where they are."""
        for i, (then, now) in enumerate(zip(before, self.generator_states())):
            if not _is_same_state(then, now):
                self._generator_states[i] = now

    # -- putting back

    def restore(self) -> None:
        """Puts everything back; what fails does not keep the rest from it."""
        with self._torch.no_grad():
            self._each(self._tensors, self._put_tensor)
            self._each(self._storages.values(), _put_storage)
        self._each(self._dicts, self._put_dict)
        self._each(self._objects, self._put_attributes)
        self._each(self._lists, _put_list)
        self._each(self._sets, _put_set)
        self._each(self._cells, self._put_cell)
        self._each(self._arrays, _put_array)
        self._each(self._iterators, _put_iterator)
        self._each(zip(self._generators, self._generator_states), _put_generator)

    def _each(self, kept, put) -> None:
        for entry in kept:
            try:
                put(*entry)
            except Exception as error:
                self.failures.append(f"{type(error).__name__}: {error}".splitlines()[0])

    def _put_tensor(self, tensor, data, gradient, needs_gradient) -> None:
        if tensor.data_ptr() != data.data_ptr() or tensor.shape != data.shape:
            tensor.data = data
        if needs_gradient is None:
            return
        if tensor.requires_grad != needs_gradient:
            tensor.requires_grad_(needs_gradient)
        if tensor.grad is not gradient:
            tensor.grad = gradient

    def _put_dict(self, mapping, before: dict) -> None:
        if _is_same(mapping, before, dict_of(type(mapping))):
            return
        ours = {k: v for k, v in mapping.items() if isinstance(k, str) and k.startswith("__stetho")}
        kind = dict_of(type(mapping))
        kind.clear(mapping)
        for key, value in {**before, **ours}.items():
            kind.__setitem__(mapping, key, value)

    def _put_attributes(self, held: dict, before: dict) -> None:
        if not _is_same(held, before, dict):
            held.clear()
            held.update(before)

    def _put_cell(self, owner, before: dict) -> None:
        for name, value in before.items():
            if getattr(owner, name, self) is not value:
                setattr(owner, name, value)

    def moved(self) -> int:
        """How many generators are elsewhere than before."""
        return sum(place_in(generator) != place for generator, place in self._frames)

    def lost(self) -> int:
        """How many tensors that were too large to be kept have been written to."""
        return sum(version(t) != v for t, v in self._large)


def _is_same(mapping, before: dict, kind: type) -> bool:
    """Whether a dictionary holds the same under the same keys, in the same order."""
    if len(mapping) != len(before):
        return False
    pairs = zip(kind.items(mapping), before.items())
    return all((a is k or a == k) and b is v for (a, b), (k, v) in pairs)


def _is_same_state(a, b) -> bool:
    if hasattr(a, "untyped_storage"):
        return bool((a == b).all())
    return repr(a) == repr(b)


def _put_storage(storage, before) -> None:
    if storage.nbytes() != before.nbytes():
        storage.resize_(before.nbytes())
    storage.copy_(before)


def _put_list(held, before: list) -> None:
    if len(held) != len(before) or any(a is not b for a, b in zip(held, before)):
        held.clear()
        held.extend(before)


def _put_set(held, before: set) -> None:
    if held != before:
        held.clear()
        held.update(before)


def _put_array(array, before) -> None:
    array[...] = before


def _put_iterator(iterator, state) -> None:
    iterator.__setstate__(state)


def _put_generator(generator: tuple, state) -> None:
    generator[0](state)
