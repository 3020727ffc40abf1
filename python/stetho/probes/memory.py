"""Memory in use, and graphs of earlier steps that something keeps alive."""

from __future__ import annotations

import os
import weakref

from stetho.probes import Probe as Base

#: Graphs that are kept an eye on, at most.
MOST = 2000


class _Token:
    """Hangs on a graph, and is gone when the graph is."""

    __slots__ = ("__weakref__",)


class Probe(Base):
    """A token on the graph of each sampled loss; the resident memory when asked."""

    def __init__(self, session) -> None:
        super().__init__(session)
        self._tokens: list = []
        self._page = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096

    def before_backward(self, loss) -> None:
        if loss is None or loss.grad_fn is None or len(self._tokens) >= MOST:
            return
        # The node farthest from the loss lives as long as any part of the graph is kept; leaves are those of
        # the parameters.
        nodes = self.session.probes.graph_of(loss)
        node = next((n.node for n in reversed(nodes) if n.node.next_functions), loss.grad_fn)
        token = _Token()
        try:
            node.metadata["stetho"] = token
        except (AttributeError, TypeError):
            return
        self._tokens.append(weakref.ref(token))

    def end(self, body, write) -> None:
        alive = [token for token in self._tokens if token() is not None]
        self._tokens = alive
        # The newest is alive as long as the user's variable is.
        write.scalar("stetho/kept_graphs", float(max(len(alive) - 1, 0)))

    def tell(self, write) -> None:
        memory = self._resident()
        if memory is not None:
            write.scalar("memory/resident_mb", memory)
        torch = self.session.torch
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            write.scalar("memory/device_mb", torch.cuda.memory_allocated() / 1e6)

    def _resident(self) -> float | None:
        """Resident memory of this process in megabytes."""
        try:
            with open("/proc/self/statm", "rb") as file:
                return int(file.read().split()[1]) * self._page / 1e6
        except (OSError, ValueError, IndexError):
            return None
