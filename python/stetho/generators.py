"""Where generators of random numbers keep their state in memory, each checked against what it says of itself before it is believed."""

from __future__ import annotations

import ctypes
import random
import struct
import sys

#: Bytes of PyTorch's generator object that its state is looked for in, and what lies beside the words of the Mersenne Twister: the seed, how
#: many words are left, whether it was seeded, the next word; behind them the normal numbers kept for the next call.
_TORCH_BYTES, _WORDS, _BEFORE, _BEHIND = 2600, 2496, 20, 28
#: Where the words begin in PyTorch's generator object; None where that is not known.
_torch_offset: int | None = None
_is_torch_known = False
#: The same of the spare normal number in NumPy's generator object; -1 where it was not found.
_numpy_offset: int | None = None


def of_python() -> tuple[int, int] | None:
    """Address and length of the state of ``random``'s generator, if it lies where we look for it."""
    instance = getattr(random, "_inst", None)
    if instance is None or sys.implementation.name != "cpython":
        return None
    header = object.__basicsize__
    length = type(instance).__base__.__basicsize__ - header
    words = random.getstate()[1]
    if not 2500 <= length <= 2512:
        return None
    seen = struct.unpack("625I", ctypes.string_at(id(instance) + header, 2500))
    # The position comes before the words, in memory.
    return (id(instance) + header, 2500) if seen[1:] == words[:-1] and seen[0] == words[-1] else None


def of_numpy() -> tuple[int, int] | None:
    """The same of NumPy's global generator."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    try:
        bits = numpy.random.mtrand._rand._bit_generator
        if type(bits).__name__ != "MT19937":
            return None
        address = int(bits.ctypes.state_address)
        state = bits.state["state"]
        seen = struct.unpack("624Ii", ctypes.string_at(address, 2500))
    except (AttributeError, KeyError, TypeError, ValueError, struct.error):
        return None
    return (address, 2500) if seen[:-1] == tuple(int(w) for w in state["key"]) and seen[-1] == state["pos"] else None


def of_numpys_spare() -> tuple[int, int] | None:
    """Where NumPy's global generator keeps the normal number that it has drawn for the next call, and whether there is one."""
    numpy = sys.modules.get("numpy")
    try:
        offset = _spare_offset(numpy.random)
        own = numpy.random.mtrand._rand
        _, _, _, has_spare, spare = own.get_state()
        seen = struct.unpack("i4xd", ctypes.string_at(id(own) + offset, 16)) if offset is not None else None
    except (AttributeError, TypeError, ValueError, struct.error):
        return None
    return (id(own) + offset, 16) if seen is not None and (bool(seen[0]), seen[1]) == (bool(has_spare), spare) else None


def _spare_offset(random) -> int | None:
    """Looks for a normal number that a generator of its own was given."""
    global _numpy_offset
    if _numpy_offset is None:
        trial, mark = random.RandomState(20), 0.7182818284590452
        size = type(trial).__basicsize__
        keys = trial.get_state()[1]
        trial.set_state(("MT19937", keys, 5, 1, mark))
        at = ctypes.string_at(id(trial), size).find(struct.pack("i4xd", 1, mark)[8:])
        words = [struct.unpack("i", ctypes.string_at(id(trial) + at - 8, 4))[0]] if at >= 8 else []
        trial.set_state(("MT19937", keys, 5, 0, 0.0))
        words += [struct.unpack("i", ctypes.string_at(id(trial) + at - 8, 4))[0]] if at >= 8 else []
        _numpy_offset = at - 8 if words == [1, 0] else -1
    return _numpy_offset if _numpy_offset >= 0 else None


def of_torch(torch) -> tuple[int, int] | None:
    """The same of PyTorch's generator on the CPU, if its objects are laid out in a way that a trial bears out."""
    global _torch_offset, _is_torch_known
    if not _is_torch_known:
        _is_torch_known = True
        try:
            _torch_offset = _find_offset(torch)
        except Exception:  # another version, another interpreter
            _torch_offset = None
    if _torch_offset is None:
        return None
    generator = torch.default_generator
    address = _object(generator) + _torch_offset
    words = _words(generator)
    return (address - _BEFORE, _BEFORE + _WORDS + _BEHIND) if ctypes.string_at(address, _WORDS) == words else None


def _object(generator) -> int:
    """The address of the generator that a Python object stands for, which comes after its head."""
    return struct.unpack("N", ctypes.string_at(id(generator) + object.__basicsize__, ctypes.sizeof(ctypes.c_void_p)))[0]


def _words(generator) -> bytes:
    """The words of its Mersenne Twister, of 32 bits each; its state gives them as 64."""
    state = generator.get_state().numpy().tobytes()
    return struct.pack("624I", *struct.unpack_from("624Q", state, 24))


def _find_offset(torch) -> int | None:
    """Looks for the words in a generator of its own, then takes that one to and fro."""
    if sys.implementation.name != "cpython":
        return None
    trial = torch.Generator()
    trial.manual_seed(20)
    torch.randn(5, generator=trial)  # the sixth normal number is kept
    offset = ctypes.string_at(_object(trial), _TORCH_BYTES).find(_words(trial))
    if offset < _BEFORE:
        return None
    address, n = _object(trial) + offset - _BEFORE, _BEFORE + _WORDS + _BEHIND
    kept, state = ctypes.string_at(address, n), trial.get_state()
    for _ in range(2):
        drawn = torch.randn(3, generator=trial), torch.rand(700, generator=trial), torch.randn(3, dtype=torch.float64, generator=trial)
        ctypes.memmove(address, kept, n)
        again = torch.randn(3, generator=trial), torch.rand(700, generator=trial), torch.randn(3, dtype=torch.float64, generator=trial)
        ctypes.memmove(address, kept, n)
        if not all(map(torch.equal, drawn, again)) or not torch.equal(trial.get_state(), state):
            return None
        # The same where no normal number is kept.
        torch.randn(1, generator=trial)
        kept, state = ctypes.string_at(address, n), trial.get_state()
    return offset
