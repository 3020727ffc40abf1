"""`stetho run --contract`: every data loader of a script gets the contract when it is iterated over for the first time."""

from __future__ import annotations

import os
import weakref

from stetho.contracts import attach, infer, source, toml, wrap
from stetho.contracts.declare import Contract
from stetho.identity import ByIdentity

#: The contract of the file, once `prepare` has read it.
_declared: Contract | None = None


def prepare(options) -> None:
    """Reads the contract before the script runs. Raises `ContractError`."""
    global _declared
    _declared = None if options.contract == "infer" else toml.read(options.contract)


def patch(module, session) -> None:
    """Hooks ``torch.utils.data.dataloader``."""
    loader_class = module.DataLoader
    original = loader_class.__iter__
    met: weakref.WeakSet = weakref.WeakSet()
    names: set[str] = set()
    #: What a contract was made of, so that a loader made anew for the same data gets the same.
    known = ByIdentity()

    def __iter__(self):
        if self not in met and not session.is_off:
            met.add(self)
            try:
                dataset = self.dataset
                if wrap.guard_of(dataset) is None:
                    if dataset in known:
                        object.__setattr__(self, "dataset", wrap.wrapped(dataset, known.get(dataset)))
                    else:
                        _meet(self, session, names)
                        known[dataset] = wrap.guard_of(self.dataset)
            except Exception as error:
                session.say(f"a data loader is left without a contract: {type(error).__name__}: {error}")
        return original(self)

    session.patches.put(loader_class, "__iter__", __iter__)


def _meet(loader, session, names: set[str]) -> None:
    name = _name(loader, session)
    folder = session.options.folder
    listed = f"quarantine{'-' + name if name in names or names else ''}.csv"
    if _declared is None:
        written = os.path.join(folder, f"contract{'-' + name if names else ''}.toml")
        # A loader of its own reads the samples of which the contract is made: that is no part of the training.
        with source.unwatched(session):
            made = infer(loader, out=written)
        session.say(f"contract of `{name}` inferred: {os.path.relpath(written)}")
    elif _declared.loaders and name not in _declared.loaders:
        return
    else:
        made = _declared
    names.add(name)
    attach(loader, made.with_policy(None, made.quarantine or os.path.join(folder, listed)), name)


def _name(loader, session) -> str:
    from stetho.probes.draws import name_of

    return name_of(session, loader) or type(loader.dataset).__name__
