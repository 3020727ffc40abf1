"""Clipping of gradients: the norm before it, and its limit; the factor of the loss in half precision."""

from __future__ import annotations

from stetho.probes import Probe as Base


class Probe(Base):
    """Calls of `clip_grad_norm_`, at every step."""

    def __init__(self, session) -> None:
        super().__init__(session)
        module = session.torch.nn.utils
        original = module.clip_grad_norm_
        probe = self
        self.last: tuple | None = None

        def clip_grad_norm_(parameters, max_norm, *args, **kwargs):
            norm = original(parameters, max_norm, *args, **kwargs)
            if session.experiment is None:
                probe.last = (norm, max_norm)
            return norm

        for where in (module, module.clip_grad):
            session.patches.put(where, "clip_grad_norm_", clip_grad_norm_)

        self.is_scaled = False
        self._scale: float | None = None
        self._hook_scaler(session)

    def _hook_scaler(self, session) -> None:
        """The end of a step in half precision, of those that the scaler leaves out too."""
        torch = session.torch
        scaler = torch.amp.GradScaler if hasattr(torch.amp, "GradScaler") else torch.cuda.amp.GradScaler
        original = scaler.update
        probe = self

        def update(self, *args, **kwargs):
            result = original(self, *args, **kwargs)
            if session.experiment is None:
                probe.is_scaled = True
            return result

        session.patches.put(scaler, "update", update)

    def was_scaled(self) -> bool:
        """Whether the step that is over was one of a scaler's."""
        was, self.is_scaled = self.is_scaled, False
        return was

    def scale(self) -> float | None:
        """The factor of the loss; where asking for it would wait for a device, only when `tell` does."""
        scaler = self.session.scaler
        return float(scaler.get_scale()) if scaler is not None and scaler._device == "cpu" else None

    def take(self) -> tuple[float, float] | None:
        """Norm and limit of the step that is over."""
        last, self.last = self.last, None
        return None if last is None else (float(last[0]), float(last[1]))

    def tell(self, write) -> None:
        scaler = self.session.scaler
        if scaler is not None and scaler._device != "cpu":
            write.scalar("loss_scale", float(scaler.get_scale()))
