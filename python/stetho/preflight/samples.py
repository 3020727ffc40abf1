"""Which dimension of a tensor counts the samples, and batches of fewer samples."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stetho.preflight import trees

#: Names of arguments that tell which rows belong together.
_GRAPH = re.compile(r"edge|^adj|graph|neighbou?r|^batch_?(idx|index|indices)$|^ptr$", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """One way to read a batch: `n` samples, along dimension 0 or 1 of the inputs."""

    n: int
    axis: int = 0

    def dimension(self, tensor) -> int | None:
        """The dimension of a tensor that counts samples."""
        for d in (self.axis, 1 - self.axis):
            if tensor.dim() > d and tensor.shape[d] == self.n:
                return d
        return None

    def rows(self, tensor):
        """A tensor as (samples, everything else); None where it has none. Samples and something else may share a dimension, the
        first."""
        if tensor.dim() > self.axis and tensor.shape[self.axis] == self.n:
            return tensor.movedim(self.axis, 0).reshape(self.n, -1)
        if tensor.dim() and tensor.shape[0] == self.n and self.axis == 0:
            return tensor.reshape(self.n, -1)
        if tensor.dim() and tensor.shape[0] > self.n and tensor.shape[0] % self.n == 0:
            k = tensor.shape[0] // self.n
            if self.axis == 0:
                return tensor.reshape(self.n, -1)
            return tensor.reshape(k, self.n, -1).movedim(1, 0).reshape(self.n, -1)
        return None


def taken(torch, value, reading: Reading, indices: list[int]):
    """The same arguments with these samples alone, in this order. What has no samples is shared."""

    def take(tensor):
        d = reading.dimension(tensor)
        return tensor if d is None else tensor.index_select(d, torch.tensor(indices, device=tensor.device))

    return trees.mapped(torch, value, take)


def readings(torch, model, inputs, batch: list, n_rows: int | None) -> list[Reading]:
    """How the arguments of a model may be read, the likeliest first.

    `batch` are the tensors that the user's loop was given, `n_rows` how many samples they seem to have. Where nothing tells, of
    sequences, and of networks with layers that take time first, both dimensions are possible.
    """
    given = [(path, t) for path, t in trees.leaves(torch, inputs) if t.dim() > 0 and t.numel() > 1]
    found = [(path, t) for path, t in given if not is_state(torch, [model], t)] or given
    if not found:
        return []
    time_first = is_sequence_first(torch, model)
    path, main = max(found, key=lambda f: (f[1].dim(), f[1].numel()))
    if n_rows is None and _is_listed(torch, inputs, path):
        return []
    if n_rows is not None and n_rows > 1:
        found = [Reading(n_rows, d) for d in (0, 1) if main.dim() > d and main.shape[d] == n_rows]
        if found:
            is_same = any(t.shape == main.shape for t in batch)
            return found[:1] if is_same and not time_first or len(found) == 1 else found
    found = [Reading(main.shape[0], 0)]
    is_sequence = (main.dim() == 2 and trees.is_integer(main)) or (main.dim() == 3 and trees.is_float(main))
    if main.dim() > 1 and (is_sequence or time_first):
        found.append(Reading(main.shape[1], 1))
    return [r for r in found if r.n > 1]


def _is_listed(torch, inputs, path: tuple) -> bool:
    """Whether a tensor is one of several in a list that a model is given, which are samples rather than what is known of them."""
    held = trees.at(inputs, path[:-1]) if len(path) > 2 else None
    return isinstance(held, list) and len(held) > 1 and all(isinstance(t, torch.Tensor) for t in held)


def is_sequence_first(torch, model) -> bool:
    """Whether a network has layers that take (time, samples, …)."""
    kinds = (torch.nn.RNNBase, torch.nn.MultiheadAttention)
    return any(isinstance(m, kinds) and not getattr(m, "batch_first", True) for m in model.modules())


def is_state(torch, models: list, tensor) -> bool:
    """Whether a tensor looks like the state of a recurrent layer, (layers, samples, units), which is no batch."""
    if tensor.dim() != 3:
        return False
    layers = [m for model in models for m in model.modules() if isinstance(m, torch.nn.RNNBase)]
    return any(
        tensor.shape[0] == m.num_layers * (1 + m.bidirectional) and tensor.shape[2] in (m.hidden_size, m.proj_size or m.hidden_size)
        for m in layers
    )


def is_graph(torch, model, inputs, keywords) -> bool:
    """Whether the arguments, or what the model holds, look like nodes and edges of a graph, whose rows are meant to be mixed."""
    if any(_GRAPH.search(name) for name in trees.names(model, inputs, keywords)):
        return True
    if any(type(v).__module__.startswith(("torch_geometric", "dgl")) for v in (*inputs, *keywords.values())):
        return True
    given = [t for _, t in trees.leaves(torch, (inputs, keywords))]
    rows = {t.shape[0] for t in given if t.dim() > 1 and trees.is_float(t) and t.shape[0] > 2}
    held = [v for m in model.modules() for v in (*m.buffers(recurse=False), *vars(m).values()) if isinstance(v, torch.Tensor)]

    def is_edges(tensor, is_alone: bool) -> bool:
        if tensor.layout != torch.strided:
            return True
        if is_alone or tensor.dim() != 2 or tensor.requires_grad:
            return False
        is_square = tensor.shape[0] == tensor.shape[1] and tensor.shape[0] in rows
        return is_square or (tensor.shape[0] == 2 and tensor.shape[1] > 2 and trees.is_integer(tensor))

    return any(is_edges(t, len(given) == 1) for t in given) or any(is_edges(t, False) for t in held)
