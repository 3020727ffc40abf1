"""Contracts: what every sample of a data set must satisfy, looked at in the worker that makes it.

    loader = stetho.contract(loader, {"[0]": {"shape": [3, 224, 224], "finite": True}, "[1].boxes": {"boxes": "xyxy", "inside": "[0]"}})

Works without the rest of Stetho, and on whatever samples hold: tensors, arrays, pictures, numbers, text.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from stetho import randomness
from stetho.contracts import guard as guards
from stetho.contracts import inferring, source, toml, wrap
from stetho.contracts.declare import Contract, Field
from stetho.contracts.guard import Guard
from stetho.contracts.violation import ContractError, ContractViolation

__all__ = ["Contract", "ContractError", "ContractViolation", "Field", "Guard", "contract", "guard_of", "infer"]


def contract(
    data,
    contract: Contract | dict | str | os.PathLike[str] = "infer",
    *,
    same_length: Sequence[Sequence[str]] = (),
    same_size: Sequence[Sequence[str]] = (),
    policy: str | None = None,
    quarantine: str | os.PathLike[str] | None = None,
    first: int = 8,
    out: str | os.PathLike[str] | None = None,
    name: str | None = None,
):
    """Looks at every sample of `data` from here on.

    `data` is a ``DataLoader``, which is changed and given back (its samples are looked at in its workers, before they are put together), a data set,
    or any iterable, for which a stand-in is given back. `contract` is a dictionary of fields, a `Contract`, the path of a TOML file, or ``"infer"``:
    then it is made from as many samples as are in the `first` batches, spread over the data set where it has a length, and written to `out`.

    `policy`: ``raise`` a `ContractViolation` (default), ``skip`` the sample (the next one that keeps the contract stands in for it, so that batches keep their
    size; of a stream it is dropped), ``warn`` and go on (default of what is inferred). `quarantine` is where the samples that broke it are listed, as CSV, at the
    end of the process.
    """
    said = contract
    if isinstance(said, Contract):
        made = said
    elif isinstance(said, dict):
        made = Contract(said, tuple(same_length), tuple(same_size))
    elif said == "infer":
        made = infer(data, first, out)
    elif isinstance(said, (str, os.PathLike)):
        made = toml.read(said)
    else:
        raise ContractError(f"the contract is a {type(said).__name__}; give a dictionary of fields, the path of a TOML file, or \"infer\"")
    made = made.with_policy(policy, os.path.abspath(quarantine) if quarantine is not None else None)
    return attach(data, made, name or source.name_of(data))


def attach(data, made: Contract, name: str):
    """Puts a contract on a loader, a data set or an iterable; see `contract`."""
    if source.is_loader(data):
        inner = data.dataset
        if wrap.guard_of(inner) is not None:
            inner = inner.__stetho_wrapped__  # a new contract takes the place of the old one
        # A loader does not let its data set be set, since its sampler would not know of it; the length and the order stay.
        object.__setattr__(data, "dataset", wrap.wrapped(inner, Guard(made, name)))
        return data
    return wrap.wrapped(data, Guard(made, name))


def infer(data, first: int = 8, out: str | os.PathLike[str] | None = None) -> Contract:
    """The contract that the first samples of a loader, a data set or an iterable keep; written to `out`, for editing."""
    with randomness.kept():
        samples, n = source.samples(data, first)
        made = inferring.infer(samples, source.n_classes(data))
    if out is not None:
        toml.write(made, out, f"Inferred from {n} samples of {source.name_of(data)}.")
    return made


def guard_of(data) -> Guard | None:
    """What was counted of a loader or data set that has a contract: `n_samples()`, `n_violations()`, `violations()`, `write_quarantine()`."""
    return wrap.guard_of(getattr(data, "dataset", data) if source.is_loader(data) else data)


def records() -> list[dict]:
    """What ``code.json`` says of the contracts of this process."""
    return guards.records()
