"""The autograd graph of a loss, looked through once on a sampled step: activations, losses and targets are
found in it."""

from __future__ import annotations

#: Nodes that are looked at, at most.
MOST_NODES = 6000


class Node:
    """A node of the graph, with what lies around it."""

    __slots__ = ("node", "name", "is_hidden", "layer")

    def __init__(self, node, name: str, is_hidden: bool) -> None:
        self.node = node
        #: `ReluBackward0`.
        self.name = name
        #: Whether a parameter lies between it and the loss.
        self.is_hidden = is_hidden
        #: The layer whose output it takes, by the name of its parameter; empty where there is none.
        self.layer = ""


def walk(loss, name_of) -> list[Node]:
    """The nodes below a loss, nearest first, those of one distance in the order of the graph."""
    root = loss.grad_fn
    if root is None:
        return []
    nodes: list[Node] = []
    seen: set[int] = {id(root)}
    queue: list[tuple] = [(root, False)]
    at = 0
    while at < len(queue) and len(nodes) < MOST_NODES:
        node, is_hidden = queue[at]
        at += 1
        nodes.append(Node(node, node.name(), is_hidden))
        children = [child for child, _ in node.next_functions if child is not None]
        has_parameter = is_hidden or any(_parameter(child) is not None for child in children)
        for child in children:
            if id(child) not in seen:
                seen.add(id(child))
                queue.append((child, has_parameter))
    for found in nodes:
        if found.name.startswith(ACTIVATIONS):
            found.layer = layer_below(found.node, name_of)
    return nodes


#: Nodes of activation functions whose output, or input, is kept.
ACTIVATIONS = ("Relu", "Tanh", "Sigmoid", "LeakyRelu", "Gelu", "Elu", "Silu", "Hardtanh", "Softplus")


def _parameter(node):
    """The parameter of the leaf below, through a transposition; None where there is none."""
    variable = getattr(node, "variable", None)
    if variable is not None:
        return variable
    if node.name().startswith(("TBackward", "TransposeBackward", "PermuteBackward")):
        below = node.next_functions[0][0] if node.next_functions else None
        return getattr(below, "variable", None)
    return None


def layer_below(node, name_of, most: int = 24) -> str:
    """The nearest layer whose parameters went into a node."""
    queue, seen = [node], {id(node)}
    for _ in range(most):
        if not queue:
            break
        current = queue.pop(0)
        for child, _ in current.next_functions:
            if child is None or id(child) in seen:
                continue
            seen.add(id(child))
            parameter = _parameter(child)
            name = name_of(parameter) if parameter is not None else None
            if name is not None:
                return name.rpartition(".")[0] or name
            queue.append(child)
    return ""


def saved(node, name: str):
    """A tensor that a node keeps; None where it has none, or was freed or changed in place."""
    try:
        return getattr(node, f"_saved_{name}")
    except (AttributeError, RuntimeError):
        return None
