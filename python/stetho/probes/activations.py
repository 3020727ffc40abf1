"""Outputs of activation functions: units that are dead, values in the flat part, mean and spread.

They are taken from the autograd graph, which keeps them for the backward pass; so modules and functions are
seen alike, and nothing is hooked.
"""

from __future__ import annotations

from stetho.probes import Probe as Base
from stetho.probes import graph

#: Layers, at most.
MOST_LAYERS = 200
#: Beyond this a tanh is flat; a sigmoid, at the same distance from its ends.
FLAT = 0.97


class Probe(Base):
    """Looks through the graph of the loss on sampled steps."""

    def __init__(self, session) -> None:
        super().__init__(session)
        self._found: dict[str, dict[str, float]] = {}

    def begin(self, body) -> None:
        self._found = {}

    def before_backward(self, loss) -> None:
        if loss is None:
            return
        layers = [n for n in self.session.probes.graph_of(loss) if n.name.startswith(graph.ACTIVATIONS)]
        counts: dict[str, int] = {}
        for found in reversed(layers[:MOST_LAYERS]):
            kind = found.name.split("Backward")[0].lower()
            name = f"{found.layer}.{kind}" if found.layer else kind
            counts[name] = counts.get(name, 0) + 1
            if counts[name] > 1:
                name = f"{name}{counts[name]}"
            measured = _measure(self.session.torch, kind, found)
            if measured:
                self._found[name] = measured

    def end(self, body, write) -> None:
        for word in ("dead_share", "zero_share", "saturated_share", "activation_mean", "activation_std"):
            names = [name for name, measured in self._found.items() if word in measured]
            if names:
                write.layers(word, names, [self._found[name][word] for name in names])


def _measure(torch, kind: str, found) -> dict[str, float]:
    output = graph.saved(found.node, "result")
    if output is None or output.numel() == 0 or not output.is_floating_point():
        return {}
    with torch.no_grad():
        output = output.detach()
        measured = {}
        if output.numel() > 1:
            std, mean = torch.std_mean(output.float())
            measured = {"activation_mean": float(mean), "activation_std": float(std)}
        if kind == "relu" and output.dim() > 1 and output.shape[0] > 1:
            # Units are channels of pictures, else the last axis.
            unit = 1 if output.dim() in (3, 4, 5) and _is_picture(found) else output.dim() - 1
            others = [d for d in range(output.dim()) if d != unit]
            highest = output.amax(dim=others)
            measured["dead_share"] = float((highest <= 0).double().mean())
            measured["zero_share"] = float((output == 0).double().mean())
        elif kind == "tanh" and found.is_hidden:
            measured["saturated_share"] = float((output.abs() > FLAT).double().mean())
        elif kind == "sigmoid" and found.is_hidden:
            edge = (1.0 - FLAT) / 2.0
            measured["saturated_share"] = float(((output < edge) | (output > 1.0 - edge)).double().mean())
        return measured


def _is_picture(found) -> bool:
    """Whether a convolution or a normalisation over channels lies right before."""
    node = found.node
    for _ in range(3):
        node = node.next_functions[0][0] if node.next_functions else None
        if node is None:
            return False
        name = node.name()
        if name.startswith(
            ("Convolution", "NativeBatchNorm", "CudnnBatchNorm", "NativeGroupNorm", "Mkldnn", "Slow")
        ):
            return True
    return False
