"""Labels and predictions of batches, from the node of the loss in the autograd graph: how mixed the labels
are, and their classes' shares."""

from __future__ import annotations

from stetho.probes import Probe as Base
from stetho.probes import graph

#: More classes than this are not told one by one.
MOST_CLASSES = 100
#: Batches between two statements on how mixed the labels are.
WINDOW = 12
#: Labels without which nothing is stated.
LEAST = 96.0


class Probe(Base):
    """Looks at the loss of sampled steps."""

    is_light = True

    def __init__(self, session) -> None:
        super().__init__(session)
        self._shares: tuple[list[float], list[float]] | None = None
        self.forget()

    def forget(self) -> None:
        """Another training, perhaps with other classes."""
        #: Sums over batches, for the variance within them and over all: of indicator columns or of one column
        #: of numbers.
        self._n = 0.0
        self._batches = 0
        self._within = 0.0
        self._sum = None
        self._squares = 0.0

    def begin(self, body) -> None:
        self._shares = None

    def before_backward(self, loss) -> None:
        if loss is None:
            return
        torch = self.session.torch
        for found in self.session.probes.graph_of(loss)[:64]:
            if found.is_hidden:
                return
            if found.name.startswith("NllLossBackward"):
                return self._classes(
                    torch, graph.saved(found.node, "self"), graph.saved(found.node, "target")
                )
            if found.name.startswith("BinaryCrossEntropy"):
                return self._binary(
                    torch, found, graph.saved(found.node, "self"), graph.saved(found.node, "target")
                )
            if found.name.startswith(("MseLoss", "SmoothL1Loss", "HuberLoss")):
                return self._numbers(torch, graph.saved(found.node, "target"))

    def _classes(self, torch, scores, target) -> None:
        if scores is None or target is None or scores.dim() != 2 or target.dim() != 1:
            return
        with torch.no_grad():
            n_classes = scores.shape[1]
            target = target[(target >= 0) & (target < n_classes)]
            if not target.numel():
                return
            labels = torch.bincount(target, minlength=n_classes).double()
            self._mix(labels / target.numel(), float(target.numel()), labels)
            if n_classes <= MOST_CLASSES:
                predicted = torch.bincount(scores.detach().argmax(1), minlength=n_classes).double()
                self._shares = ((predicted / predicted.sum()).tolist(), (labels / labels.sum()).tolist())

    def _binary(self, torch, found, scores, target) -> None:
        if scores is None or target is None or scores.shape != target.shape:
            return
        if scores.dim() != 1 and not (scores.dim() == 2 and scores.shape[1] == 1):
            return
        with torch.no_grad():
            share = float(target.double().mean())
            n = target.numel()
            labels = torch.tensor([1.0 - share, share], dtype=torch.float64)
            self._mix(labels, float(n), labels * n)
            if 0.0 < share < 1.0:
                middle = 0.0 if "Logits" in found.name else 0.5
                predicted = float((scores.detach() > middle).double().mean())
                self._shares = ([1.0 - predicted, predicted], [1.0 - share, share])

    def _numbers(self, torch, target) -> None:
        """A target that is a number; of several columns or pictures nothing is said."""
        if (
            target is None
            or target.dim() > 2
            or target.dim() == 2
            and target.shape[1] != 1
            or target.numel() < 2
        ):
            return
        with torch.no_grad():
            values = target.detach().double().reshape(-1)
            n = float(values.numel())
            if self._sum is not None and self._sum.numel() != 1:
                return
            self._sum = values.sum().reshape(1) if self._sum is None else self._sum + values.sum()
            self._squares += float((values * values).sum())
            self._within += float(values.var(unbiased=True))
            self._n += n
            self._batches += 1

    def _mix(self, shares, n: float, counts) -> None:
        """Takes a batch of classes into the sums: the variance of indicator columns is the Gini impurity."""
        if n < 2.0 or self._sum is not None and self._sum.shape != counts.shape:
            return
        self._within += float(1.0 - (shares * shares).sum()) * n / (n - 1.0)
        self._sum = counts.clone() if self._sum is None else self._sum + counts
        self._n += n
        self._batches += 1

    def end(self, body, write) -> None:
        if self._shares is not None:
            predicted, labels = self._shares
            names = [str(i) for i in range(len(predicted))]
            write.layers("class_share", names, predicted)
            write.layers("label_share", names, labels)
        if self._batches >= WINDOW and self._n >= LEAST:
            mixing = self._mixing()
            if mixing is not None:
                write.scalar("stetho/label_mixing", mixing)
            self._n, self._batches, self._within, self._sum, self._squares = 0.0, 0, 0.0, None, 0.0

    def _mixing(self) -> float | None:
        """Mean variance within batches over the variance of all."""
        if self._sum is None or self._n < 2.0:
            return None
        if self._sum.numel() == 1:
            mean = float(self._sum[0]) / self._n
            whole = (self._squares / self._n - mean * mean) * self._n / (self._n - 1.0)
        else:
            shares = self._sum / self._n
            whole = float(1.0 - (shares * shares).sum()) * self._n / (self._n - 1.0)
        return self._within / self._batches / whole if whole > 1e-12 else None
