"""Terms of the training loss by the user's names; loss and accuracy of passes over validation data."""

from __future__ import annotations

from stetho.identity import ByIdentity
from stetho.probes import Probe as Base
from stetho.probes import guarded
from stetho.probes.draws import is_held_out, name_of

#: Functions of `torch.nn.functional` whose results are losses.
LOSSES = (
    "cross_entropy",
    "nll_loss",
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
)


#: Stands for the training samples.
PLAIN = "plain"


class _Set:
    """What was seen of one set since the last step."""

    __slots__ = ("loss", "batch", "n_batches", "n_right", "n_rows")

    def __init__(self) -> None:
        self.loss = 0.0
        self.batch = None
        self.n_batches = 0
        self.n_right = 0.0
        self.n_rows = 0


class Probe(Base):
    """Terms on sampled steps; validation whenever losses are worked out without a gradient between steps."""

    is_light = True

    def __init__(self, session) -> None:
        super().__init__(session)
        self._terms: list[tuple[str, float]] = []
        self._sets: dict[str, _Set] = {}
        self._depth = 0
        self._names = ByIdentity()
        functional = session.torch.nn.functional
        for name in LOSSES:
            self._patch(functional, name)

    def _patch(self, functional, name: str) -> None:
        original = getattr(functional, name)
        probe, session = self, self.session
        torch = session.torch
        is_recording = torch.is_grad_enabled
        is_compiling = torch.compiler.is_compiling if hasattr(torch, "compiler") else (lambda: False)

        def loss(input, target, *args, **kwargs):
            if (
                is_recording()
                or session.probes is None
                or not session.probes.is_validating()
                or is_compiling()
                or probe._depth
                or not session.step
            ):
                return original(input, target, *args, **kwargs)
            probe._depth += 1
            try:
                result = original(input, target, *args, **kwargs)
            finally:
                probe._depth -= 1
            if not session.is_off and session.experiment is None:
                probe._validated(name, input, target, result, kwargs.get("reduction") == "sum")
            return result

        session.patches.put(functional, name, loss)

    @guarded
    def _validated(self, function: str, scores, target, result, is_sum: bool) -> None:
        torch = self.session.torch
        if not isinstance(result, torch.Tensor) or result.numel() == 0:
            return
        name, batch = self._set_of(scores, target)
        held = self._sets.setdefault(name, _Set())
        if batch is None or batch is not held.batch:
            held.n_batches += 1
            held.batch = batch
        rows = target.shape[0] if is_sum and target.dim() else 1
        held.loss += float(result.mean()) / rows
        if (
            function in ("cross_entropy", "nll_loss")
            and scores.dim() == 2
            and target.dim() == 1
            and not target.is_floating_point()
        ):
            held.n_right += float((scores.argmax(1) == target).sum())
            held.n_rows += int(target.numel())
        probes = self.session.probes
        if probes is not None:
            probes.is_due = True

    def _set_of(self, scores, target) -> tuple[str, object]:
        """The part of the data that a target is of, and its batch: by its loader, or by the name of the
        variable."""
        session = self.session
        last = session.batches.last
        loader = last.loader() if last is not None and last.loader is not None else None
        draws = session.probes.draws
        if loader is not None and draws is not None and draws.is_pending(last):
            name = self._names.get(loader)
            if name is None:
                name = self._names[loader] = name_of(session, loader) or "validation"
            if loader in draws.trained or not is_held_out(draws.loader, loader, name):
                return PLAIN, last
            return ("test" if "test" in name.lower() else "val"), last
        name = f"{name_of(session, target) or ''} {name_of(session, scores) or ''}".lower()
        if "train" in name or "_tr " in f"{name} ":
            return PLAIN, None
        session.probes.leaks.in_memory()
        return ("test" if "test" in name else "val"), None

    def before_backward(self, loss) -> None:
        from stetho.hooks import terms_of

        frame = self.session.user_frame()
        if loss is None or frame is None:
            return
        name, terms = terms_of(self.session, frame, loss)
        self._terms.append((name, float(loss.detach())))
        if len(terms) > 1:
            self._terms.extend(terms)

    def begin(self, body) -> None:
        self._terms = []

    def end(self, body, write) -> None:
        names = {name for name, _ in self._terms}
        if len(names) < 2:
            return
        for name, value in self._terms[:32]:
            if name != "loss":
                write.scalar(f"loss_terms/{name}", value)

    def tell(self, write) -> None:
        sets, self._sets = self._sets, {}
        for name, held in sets.items():
            if name == PLAIN:
                write.scalar("stetho/plain_loss", held.loss / held.n_batches)
                continue
            write.scalar(f"{name}/loss", held.loss / held.n_batches)
            if held.n_rows:
                write.scalar(f"{name}/accuracy", held.n_right / held.n_rows)
