"""A step run again: which operation, which line, which samples.

An `Investigation` is a list of experiments on the body that tripped; each is another attempt of it from the same state. The first
sees every operation; where rows of its output do not tell the samples, the batch is halved. The last leaves the samples out.
"""

from __future__ import annotations

import io
import math
import sys

from stetho import culprit, guards, observe, ranks, rows
from stetho.describe import line as describe
from stetho.describe import number
from stetho.session import Tripped
from stetho.trap import Trip, finite_word


class Experiment:
    """One attempt, up to the backward pass or the optimizer step at which the trap tripped."""

    def __init__(self, investigation, source=None) -> None:
        self.investigation = investigation
        self.session = investigation.session
        self.trip: Trip = investigation.trip
        self._source = source
        body = self.session.body
        self.values = self._map_values(body.values)
        self.loss = None
        self.error: BaseException | None = None
        self.n_backward = 0
        self.n_stepped = 0
        #: Whether the point of the trap was reached.
        self.is_complete = False
        self.is_bad: bool | None = None
        self._quiet = None

    def _map_values(self, values: tuple) -> tuple:
        if self._source is None:
            return values
        torch, n = self.session.torch, self.investigation.n_rows
        return tuple(
            v if v is self.session.UNBOUND else rows.replaced(torch, v, self._source, n) for v in values
        )

    def batch(self, content):
        """What ``next`` gives in this attempt."""
        if self._source is None:
            return content
        return rows.replaced(self.session.torch, content, self._source, self.investigation.n_rows)

    def enter(self) -> None:
        """Before the body."""
        self._quiet = (sys.stdout, sys.stderr)
        sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
        self._uncompiled = eager(self.session.torch)
        self._together = ranks.alone(self.session.models)
        if self._source is not None and self.investigation.is_picked:
            own = {observe.key_of(p) for m in self.session.models for p in m.parameters()}
            from stetho import modes

            self._picking = modes.Picking(self.investigation.n_rows, self._source, own)
            self._picking.__enter__()

    def leave(self) -> None:
        """After it."""
        if self._picking is not None:
            self._picking.__exit__(None, None, None)
            self._picking = None
        sys.stdout, sys.stderr = self._quiet
        self._uncompiled()
        self._together()

    _picking = None

    def raised(self, error: BaseException | None) -> None:
        """The body was left by this."""
        if isinstance(error, Tripped):
            return
        if self.trip.is_guarded and not self.is_complete and not self.n_backward:
            found = guards.loss_of(self.session, error)
            if found is not None:
                self.loss, _ = found
                self._ends()
                return
        self.error = error

    def on_backward(self, original, tensors, args, kwargs):
        """A backward pass of the body."""
        self.n_backward += 1
        is_last = self.n_backward == self.trip.n_backward
        if is_last:
            self.loss = tensors if isinstance(tensors, self.session.torch.Tensor) else tensors[0]
            scaled, self.session.scaled = self.session.scaled, None
            if scaled is not None and scaled[0] is self.loss:
                self.loss = scaled[1]
        if is_last and self.trip.kind in ("loss", "spike"):
            self._ends()
            raise Tripped
        return self._backward(original, tensors, args, kwargs)

    def _backward(self, original, tensors, args, kwargs):
        return original(tensors, *args, **kwargs)

    def on_step(self, optimizer) -> None:
        """An optimizer is about to step."""
        if self.trip.kind == "gradient" and self.n_stepped == self.trip.n_stepped:
            seen = self.session.gradients.get(optimizer)
            if seen is not None:
                self.is_bad = not seen.square_sum()[1]
                self.gradients = [None if p.grad is None else p.grad.detach().clone() for p in seen.parameters]
            self._ends()
            raise Tripped
        from stetho.state import Undo

        undo = Undo(self.session.torch, optimizer)
        undo.take()
        self.session.body.undo.append(undo)
        self.n_stepped += 1

    def on_stepped(self, optimizer) -> None:
        """An optimizer has stepped."""

    def ends(self) -> None:
        """The body has been left. Where the parameters broke it runs to its end."""
        if self.trip.kind != "parameter" or self.error is not None:
            return
        self.is_complete = True
        seen = self.session.gradients.get(self.trip.optimizer)
        self.is_bad = seen is not None and not seen.parameters_finite()

    def _ends(self) -> None:
        self.is_complete = True
        if self.loss is not None and self.trip.kind != "gradient":
            self.value = float(self.loss.detach().double().sum())
            self.is_bad = not math.isfinite(self.value)
        elif self.loss is not None:
            self.value = float(self.loss.detach().double().sum())

    value: float | None = None
    gradients: list = []


class Seen(Experiment):
    """The attempt in which every operation is seen."""

    def __init__(self, investigation) -> None:
        super().__init__(investigation)
        self.modules = observe.Modules(self.session)
        from stetho import modes

        is_own = self.session.options.is_own
        self.forward, self.lines = modes.Forward(is_own, self.modules), modes.Lines(is_own, self.modules)
        self.graph = observe.Graph(self.session.torch, self.lines)
        self.terms: list = []

    def enter(self) -> None:
        super().enter()
        self.modules.enter()
        self.lines.__enter__()
        self.forward.__enter__()

    def leave(self) -> None:
        self.forward.__exit__(None, None, None)
        self.lines.__exit__(None, None, None)
        self.modules.leave()
        self.graph.leave()
        super().leave()

    def _backward(self, original, tensors, args, kwargs):
        roots = [tensors] if isinstance(tensors, self.session.torch.Tensor) else list(tensors)
        self.forward.is_watching = self.trip.kind == "parameter"
        self.graph.watch(roots)
        kwargs = dict(kwargs)
        if not args or len(args) < 2:
            kwargs["retain_graph"] = True
        try:
            return original(tensors, *args, **kwargs)
        finally:
            self.graph.leave()
            self.forward.is_watching = True


class Investigation:
    """All experiments on one trip, and what they found."""

    def __init__(self, session, trip: Trip) -> None:
        self.session = session
        self.trip = trip
        self.torch = session.torch
        self.seen: Seen | None = None
        self.samples: list[int] = []
        self.found_by: str | None = None
        self.without: float | None = None
        self.n_rows: int | None = None
        self.event = None
        self.node = None
        self.cause: culprit.Cause | None = None
        self.inputs_bad: list[tuple[str, list[int], str]] = []
        self.outcome = "none"
        self.why = ""
        self.batch_tensors: list[tuple[str, object]] = []
        self._own: set[int] = set()

    # -- the experiments

    def clear_gradients(self) -> None:
        """A step starts without gradients: what an earlier backward pass of it left is not finite."""
        for seen in self.session.gradients.values():
            for parameter in seen.parameters:
                parameter.grad = None
        for model in self.session.models:
            for parameter in model.parameters():
                parameter.grad = None

    def experiments(self):
        """Yields attempts one after another; each has been made when the next is asked for."""
        body = self.session.body
        self._look_at_batch(body)
        self.seen = seen = Seen(self)
        yield seen
        self._judge_replay(seen)
        self._batch_from_picks(seen)
        if self.trip.kind == "parameter":
            self._find_producer(seen)
            return
        if self.trip.kind == "spike":
            yield from self._halve_spike()
            return
        self._find_producer(seen)
        if not self.samples and self.outcome != "failed" and self._can_replace():
            yield from self._halve()
        if self.samples and self._can_replace() and len(self.samples) < self.n_rows:
            yield from self._leave_out()

    def _look_at_batch(self, body) -> None:
        torch = self.torch
        for name, value in zip(body.site.carried, body.values):
            if name in body.site.targets or isinstance(value, (torch.Tensor, dict, list, tuple)):
                if not name.startswith("self."):
                    self.batch_tensors.extend(rows.tensors_in(torch, value, name))
        for i, content in enumerate(body.batches):
            name = "batch" if len(body.batches) == 1 else f"batch {i}"
            self.batch_tensors.extend(rows.tensors_in(torch, content, name))
        self._own = {id(p) for m in self.session.models for p in m.parameters()}
        self.batch_tensors = [(n, t) for n, t in self.batch_tensors if id(t) not in self._own]
        batch = self.loader_batch()
        if batch is not None:
            known = {id(t) for _, t in self.batch_tensors}
            more = [(n, t) for n, t in rows.tensors_in(torch, batch.content, "batch") if id(t) not in known]
            if not known & {id(t) for _, t in rows.tensors_in(torch, batch.content, "batch")}:
                self.batch_tensors.extend(more)
            from stetho.data import as_indices

            indices = self.trip.indices or as_indices(batch.indices)
            if indices is not None:
                self.n_rows = len(indices)
        first = [t for n, t in self.batch_tensors if n.split("[")[0].split(".")[0] in body.site.targets]
        if self.n_rows is None:
            self.n_rows = rows.batch_size(first) or rows.batch_size([t for _, t in self.batch_tensors])
        for name, tensor in self.batch_tensors:
            if observe.is_float(tensor) and not observe.is_finite(torch, tensor):
                bad = ~torch.isfinite(tensor)
                word = "NaN" if bool(torch.isnan(tensor).any()) else "infinite"
                self.inputs_bad.append((name, rows.of_mask(bad, self.n_rows) or [], word))

    #: Whether the step itself picks the batch out of a data set.
    is_picked = False

    def picks(self) -> list:
        """Rows that the step picked out of tensors of the data: not of parameters, as an embedding does, nor of orders of rows."""
        own = {observe.key_of(p) for m in self.session.models for p in m.parameters()}
        held = [p for p in self.seen.forward.picked if p.place is not None and p.key not in own]
        return [p for p in held if observe.is_float(p.output)] or held

    def _batch_from_picks(self, seen: Seen) -> None:
        """A batch that the step itself picks out of a data set: ``x[idx]``, ``x[i:i + n]``."""
        from collections import Counter

        held = self.picks()
        if self.n_rows is not None or not held:
            return
        self.n_rows = Counter(p.n for p in held).most_common(1)[0][0]
        self.is_picked = True
        names = {n for n, _ in self.batch_tensors}
        for pick in held:
            name = pick.place.expression or f"line {pick.place.line}"
            if pick.n == self.n_rows and name not in names and pick.base_rows > pick.n:
                names.add(name)
                self.batch_tensors.append((name, pick.output))

    def loader_batch(self):
        """The batch of a data loader that this body works on."""
        body = self.session.body
        own = {id(t) for _, t in self.batch_tensors}
        own |= {id(t) for v in (*body.values, *body.batches) for _, t in rows.tensors_in(self.torch, v)}
        storages = {observe.key_of(t) for _, t in self.batch_tensors}
        found = None
        for batch in self.session.batches.at_hand():
            tensors = [t for _, t in rows.tensors_in(self.torch, batch.content)]
            if any(id(t) in own or observe.key_of(t) in storages for t in tensors):
                found = batch if found is None or batch is self.session.batches.last else found
        if found is None and self.session.batches.last is not None and not self.batch_tensors:
            found = self.session.batches.last
        return found

    def _can_replace(self) -> bool:
        if self.n_rows is None or self.n_rows < 2:
            return False
        if any(t.dim() and self.n_rows in t.shape[:2] for _, t in self._replaceable() if id(t) not in self._own):
            return True
        return self.is_picked

    def _replaceable(self) -> list:
        body = self.session.body
        found = []
        for value in (*body.values, *body.batches):
            found.extend(rows.tensors_in(self.torch, value))
        return found

    def _judge_replay(self, seen: Seen) -> None:
        trip = self.trip
        if seen.error is not None:
            self.outcome, self.why = "failed", f"{type(seen.error).__name__}: {seen.error}".splitlines()[0][:200]
        elif not seen.is_complete:
            self.outcome, self.why = "failed", "the step took another way when it was run again"
        elif trip.kind == "parameter":
            self.outcome = "exact" if seen.is_bad else "different"
            if not seen.is_bad:
                self.why = "the parameters stayed finite when the step was run again"
        elif trip.kind == "gradient" and ranks.number() is not None:
            # The gradients of the trap were those of all ranks.
            self.outcome = "exact" if seen.is_bad else "different"
            if not seen.is_bad:
                self.why = "the gradients of this rank by itself are finite"
        elif trip.gradient_sum is not None:
            from stetho.bundle import gradient_sum

            same = gradient_sum(seen.gradients) == trip.gradient_sum
            self.outcome = "exact" if same else "different"
            if not same:
                self.why = "the gradients are not those that were saved"
        elif trip.kind == "gradient":
            same = len(seen.gradients) == len(trip.gradients) and all(
                _same_bits(self.torch, a, b) for a, b in zip(seen.gradients, trip.gradients)
            )
            self.outcome = "exact" if same else "different"
            if not same:
                self.why = "the gradients of the step run again are not those of the first time"
        else:
            from stetho.hooks import bits

            self.outcome = "exact" if bits(seen.loss) == trip.loss_bits else "different"
            if self.outcome == "different":
                self.why = f"the loss was {number(trip.loss)} the first time and {number(seen.value)} when run again"

    def _find_producer(self, seen: Seen) -> None:
        torch = self.torch
        if self.trip.kind == "gradient":
            self.node = seen.graph.found
            if self.node is not None:
                self.cause = culprit.cause_of_node(torch, self.node)
                if self.cause.word == "overflow":
                    self.cause = self._masked_out(seen) or self.cause
                masks = [~torch.isfinite(g) for g in self.node.outgoing if not observe.is_finite(torch, g)]
                if self.cause.mask is not None:
                    masks.insert(0, self.cause.mask)
                self._rows_of(masks, "gradient")
                return
        start = self._start(seen)
        if start is None and seen.loss is None:
            return
        if start is None and self.trip.kind in ("gradient", "parameter"):
            return
        origin = observe.origin_of(seen.forward, seen.loss, start)
        self.event = origin.event
        if self.event is None and not origin.foreign:
            return
        if self._comes_from_input(origin):
            return
        if self.event is None:
            return
        self.cause = culprit.cause_of_event(torch, self.event)
        masks = []
        if self.cause.mask is not None:
            masks.append(self.cause.mask)
        masks.append(~torch.isfinite(self.event.output))
        if origin.made_nan is not None and origin.made_nan is not self.event:
            masks.append(~torch.isfinite(origin.made_nan.output))
        self._rows_of(masks, "rows")

    def _masked_out(self, seen: Seen) -> culprit.Cause | None:
        """Why the forward pass made NaN that the loss leaves out, and that comes back with the gradient."""
        event = next((e for e in seen.forward.events if e.has_nan and not e.had_nan), None)
        if event is None:
            return None
        cause = culprit.cause_of_event(self.torch, event)
        cause.detail += "; the loss leaves the NaN of the forward pass out, the gradient does not"
        cause.mask = None
        return cause

    def _start(self, seen: Seen):
        """The operation that broke a parameter, or a gradient after the backward pass had left it finite."""
        known = [p for s in self.session.gradients.values() for p in s.parameters]
        if self.trip.kind == "parameter":
            return observe.first_into(seen.forward, known)
        if self.trip.kind == "gradient":
            return observe.first_into(seen.forward, [p.grad for p in known if p.grad is not None])
        return None

    def _comes_from_input(self, origin) -> bool:
        """Whether all that is not finite came with the batch, or from before the step."""
        held: dict[int, str] = {}
        for name, tensor in self.batch_tensors:
            held.setdefault(observe.key_of(tensor), name)
        names = {held[k] for k in origin.foreign if k in held}
        bad = next((b for b in self.inputs_bad if b[0] in names), None)
        if bad is None:
            at_hand = origin.foreign if self.event is None else origin.foreign.intersection(self.event.sources)
            return bool(at_hand) and self._comes_from_elsewhere(origin, at_hand)
        name, bad_rows, word = bad
        if word != "NaN" and origin.made_nan is not None and "softmax" in origin.made_nan.op:
            return False  # a mask
        is_target = self._is_target(name)
        cause = "nan_in_target" if is_target and word == "NaN" else "nan_in_input" if word == "NaN" else "infinity_in_input"
        where = f"{'row' if len(bad_rows) == 1 else 'rows'} {', '.join(map(str, bad_rows[:5]))}" if bad_rows else "some rows"
        self.cause = culprit.Cause(cause, f"`{name}` is {word} in {where}")
        if bad_rows and self.n_rows and len(bad_rows) < self.n_rows:
            self.samples, self.found_by = bad_rows, "rows"
        return True

    def _comes_from_elsewhere(self, origin, storages: set[int]) -> bool:
        """Whether it is NaN that was there before the step and is no part of the batch: weights of a loss, a constant."""
        if origin.made_nan is not None:
            return False
        name = self._name_of_storage(storages)
        self.cause = culprit.Cause("nan_in_input", f"`{name}` was not finite before the step began" if name else "a tensor that was made before the step is not finite")
        return True

    def _name_of_storage(self, keys: set[int]) -> str | None:
        torch = self.torch
        frame = self.session.frame
        seen: set[int] = set()
        while frame is not None:
            if self.session.options.is_own(frame.f_code.co_filename):
                for scope in (frame.f_locals, frame.f_globals):
                    if id(scope) in seen:
                        continue
                    seen.add(id(scope))
                    for name, value in list(scope.items()):
                        if isinstance(value, torch.Tensor) and observe.key_of(value) in keys:
                            return name
                        if isinstance(value, torch.nn.Module):
                            for inner, tensor in (*value.named_buffers(), *value.named_parameters()):
                                if observe.key_of(tensor) in keys:
                                    return f"{name}.{inner}"
            frame = frame.f_back
        return None


    def _rows_of(self, masks: list, how: str) -> None:
        for mask in masks:
            if self.n_rows is None and mask.dim() > 0 and mask.shape[0] > 1:
                self.n_rows = mask.shape[0]  # all there is, at once
            found = rows.of_mask(mask, self.n_rows)
            if found and self.n_rows and len(found) <= max(1, self.n_rows // 2):
                self.samples, self.found_by = found, how
                return

    def _keeping(self, kept: list[int]):
        """An attempt in which all other rows are copies of these."""
        import itertools

        n = self.n_rows
        chosen = set(kept)
        fill = itertools.cycle(kept)
        source = self.torch.tensor([i if i in chosen else next(fill) for i in range(n)])
        return Experiment(self, source)

    def _halve(self):
        """The smallest half that still fails, again and again."""
        suspects = list(range(self.n_rows))
        while len(suspects) > 1:
            middle = len(suspects) // 2
            halves = (suspects[:middle], suspects[middle:])
            outcomes = []
            for half in halves:
                experiment = self._keeping(half)
                yield experiment
                outcomes.append(experiment.is_bad if experiment.is_complete else None)
            bad = [h for h, o in zip(halves, outcomes) if o]
            if len(bad) == 2 and len(suspects) == self.n_rows == 2 and self.cause is not None and self.cause.word == "empty_reduction":
                self.samples, self.found_by = suspects, "halving"
                return
            if len(bad) != 1 or None in outcomes:
                # Both fail, or only both together: it is not one sample.
                break
            suspects = bad[0]
        if len(suspects) < self.n_rows and len(suspects) <= max(1, self.n_rows // 4):
            self.samples, self.found_by = suspects, "halving"

    def _halve_spike(self):
        """The samples that make a loss jump: the half with the higher loss, again and again."""
        if not self._can_replace() or self.outcome == "failed":
            return
        suspects = list(range(self.n_rows))
        while len(suspects) > 1:
            middle = len(suspects) // 2
            values = []
            for half in (suspects[:middle], suspects[middle:]):
                experiment = self._keeping(half)
                yield experiment
                values.append(experiment.value if experiment.is_complete else None)
            if None in values:
                return
            high = 0 if values[0] > values[1] else 1
            level = self.trip.level or 0.0
            if values[high] - level < 4.0 * (values[1 - high] - level):
                break  # both halves are high: it is the batch, or the weights
            suspects = suspects[:middle] if high == 0 else suspects[middle:]
        if len(suspects) > max(1, self.n_rows // 8):
            return
        rest = [i for i in range(self.n_rows) if i not in suspects]
        experiment = self._keeping(rest)
        yield experiment
        if experiment.is_complete and experiment.value is not None and experiment.value - (self.trip.level or 0.0) < 0.25 * (self.trip.loss - (self.trip.level or 0.0)):
            self.samples, self.found_by, self.without = suspects, "halving", experiment.value
            self.cause = self._outlier(suspects)

    def _outlier(self, suspects: list[int]) -> culprit.Cause | None:
        """Which field of these rows is far from those of the others."""
        n = self.n_rows
        best: tuple[float, str, float, float] | None = None
        for name, tensor in self.batch_tensors:
            if tensor.dim() == 0 or tensor.shape[0] != n or not observe.is_float(tensor):
                continue
            size = tensor.detach().double().abs().reshape(n, -1).amax(1)
            others = [i for i in range(n) if i not in suspects]
            usual = float(size[others].median()) if others else 0.0
            most = float(size[others].max()) if others else 0.0
            worst = float(size[suspects].max())
            if worst > 4.0 * most and (best is None or worst / max(most, 1e-12) > best[0]):
                best = (worst / max(most, 1e-12), name, worst, usual)
        if best is None:
            return culprit.Cause("unknown", "its values are like those of the others: its label may be wrong")
        _, name, worst, usual = best
        is_target = self._is_target(name)
        return culprit.Cause("outlier_target" if is_target else "outlier_input", f"`{name}` reaches {number(worst)}, of the others usually {number(usual)}")

    def _is_target(self, name: str) -> bool:
        """Whether a field of a batch is what is to be predicted: by its name, or because it comes last."""
        import re

        words = re.split(r"[^a-z]+", name.lower())
        if any(w in ("target", "targets", "label", "labels", "y", "yb", "gt", "truth", "box", "boxes", "mask", "answer", "count", "score") for w in words):
            return True
        if any(w in ("x", "xb", "input", "inputs", "image", "images", "features") for w in words):
            return False
        given = self.session.body.site.targets
        if len(given) > 1 and name == given[-1]:
            return True
        names = [n for n, _ in self.batch_tensors]
        return bool(re.search(r"\[\d+\]$", name)) and len(names) > 1 and name == max(n for n in names if re.search(r"\[\d+\]$", n)) and not name.endswith("[0]")

    def _leave_out(self):
        rest = [i for i in range(self.n_rows) if i not in self.samples]
        if not rest:
            return
        experiment = self._keeping(rest)
        yield experiment
        if not experiment.is_complete or experiment.is_bad is None:
            return
        if experiment.is_bad and self.found_by != "rows":
            self.samples, self.found_by = [], None
        elif not experiment.is_bad and experiment.value is not None and math.isfinite(experiment.value):
            self.without = experiment.value

    # -- what was found

    def record(self) -> dict:
        """The trap record; see the format of ``traps.jsonl``."""
        trip = self.trip
        found: dict = {"kind": trip.kind, "step": trip.step, "phase": self._phase()}
        if trip.loss is not None:
            found["loss"] = {"name": trip.loss_name, "value": finite_word(trip.loss)}
        if trip.terms:
            found["terms"] = [{"name": n, "value": finite_word(v)} for n, v in trip.terms]
            bad = [n for n, v in trip.terms if not math.isfinite(v)]
            if bad and trip.kind == "loss":
                found["term"] = bad[0]
        for key in ("level", "swing"):
            if getattr(trip, key) is not None:
                found[key] = getattr(trip, key)
        if self.without is not None:
            found["without"] = self.without
        if trip.parameters:
            found["parameters"] = trip.parameters[:100]
        self._record_operation(found)
        self._record_samples(found)
        if trip.kind == "parameter":
            self._record_optimizer(found)
        if self.cause is not None:
            found["cause"] = self.cause.word
            if self.cause.detail:
                found["detail"] = self.cause.detail
        found["replay"] = {"outcome": self.outcome}
        why = self.why or ("the step could not be found in the script, so it could not be run again" if self.session.body is None and not trip.is_lost else "")
        if trip.is_lost:
            why = "the weights were not finite before the step"
        if why:
            found["replay"]["why"] = why
        if _is_compiled(self.session.models):
            found["compiled"] = True
        return found

    def _phase(self) -> str:
        if self.trip.kind == "parameter":
            return "optimizer"
        if self.cause is not None and self.cause.word in ("nan_in_input", "nan_in_target", "infinity_in_input"):
            return "input"
        return "backward" if self.trip.kind == "gradient" else "forward"

    def _record_operation(self, found: dict) -> None:
        thing = self.event or self.node
        if thing is None:
            if self.trip.place is not None:
                found["source"] = source_record(self.trip.place)
            return
        if found["phase"] != "input":
            found["op"] = thing.op if self.event is not None else thing.name
        if thing.module:
            found["module"] = thing.module
        if self.event is not None:
            found["output"] = describe(self.event.output)
            from stetho.describe import dtype_word

            found["dtype"] = dtype_word(self.event.output.dtype)
        place = thing.place
        argument = None
        if place is not None:
            argument = culprit.argument_text(place.expression, found.get("op", ""), self.cause.position if self.cause else 0)
            found["source"] = source_record(place, argument)
        inputs = []
        if self.event is not None:
            for position, value in self.event.operands[:6]:
                if isinstance(value, self.torch.Tensor):
                    text = culprit.argument_text(place.expression if place else None, self.event.op, position if isinstance(position, int) else None)
                    inputs.append({"name": text or f"operand {position}", "text": describe(value)})
                elif isinstance(value, (int, float)) and not isinstance(value, bool):
                    inputs.append({"name": f"operand {position}", "text": describe(value)})
        elif self.node is not None:
            for name, value in self.node.saved.items():
                if isinstance(value, self.torch.Tensor):
                    shown = argument if name == "self" and argument else name
                    inputs.append({"name": shown, "text": describe(value)})
            for gradient in self.node.incoming[:2]:
                inputs.append({"name": "gradient that came in", "text": describe(gradient)})
        if inputs:
            found["inputs"] = inputs
        if self.cause is not None and self.cause.mask is not None and self.samples:
            where = ", ".join(map(str, self.samples[:3]))
            what = argument or "its operand"
            self.cause.detail = f"{self.cause.detail} in row {where} of `{what}`" if argument else self.cause.detail

    def _record_samples(self, found: dict) -> None:
        if self.n_rows:
            found["batch_size"] = self.n_rows
        if not self.samples:
            return
        from stetho import samples

        found["samples"] = samples.describe(self, self.samples[:100])
        found["n_samples"] = len(self.samples)
        found["found_by"] = self.found_by
        explained = samples.explain(self, self.samples[:100], found["samples"])
        if explained:
            found["explained_by"] = explained

    def _record_optimizer(self, found: dict) -> None:
        optimizer = self.trip.optimizer or next(iter(self.session.gradients), None)
        if optimizer is None:
            return
        group = optimizer.param_groups[0]
        found.setdefault("op", type(optimizer).__name__)
        rate = group.get("lr")
        rate = float(rate) if rate is not None else None
        if group.get("eps") == 0:
            self.cause = culprit.Cause("zero_epsilon", f"{type(optimizer).__name__} with eps=0 divides by the root of a second moment that is 0")
        elif rate is not None and (not math.isfinite(rate) or rate > 10.0):
            self.cause = culprit.Cause("learning_rate", f"the learning rate is {number(rate)}")
        else:
            self.cause = self.cause or culprit.Cause("update_overflow", f"the update of {type(optimizer).__name__} with learning rate {number(rate or 0.0)}")


def source_record(place, argument: str | None = None) -> dict:
    """A line of the user's, with the lines around it."""
    import linecache

    text = place.text
    record = {"path": observe.shown_path(place.path), "line": place.line, "text": text, "function": place.function}
    if place.expression:
        record["expression"] = place.expression
    if argument:
        record["argument"] = argument
    first = max(1, place.line - 2)
    lines = [linecache.getline(place.path, n).rstrip("\n") for n in range(first, place.line + 3)]
    while lines and not lines[-1]:
        lines.pop()
    record["excerpt"] = {"line": first, "text": "\n".join(lines)}
    return record


def _same_bits(torch, a, b) -> bool:
    if a is None or b is None:
        return a is b
    if a.is_sparse or b.is_sparse:
        a, b = a.to_dense(), b.to_dense()
    return a.shape == b.shape and bool(torch.equal(torch.isnan(a), torch.isnan(b))) and bool(
        torch.equal(torch.nan_to_num(a), torch.nan_to_num(b))
    )


def _is_compiled(models: list) -> bool:
    return any(type(m).__name__ == "OptimizedModule" or getattr(m, "_compiled_call_impl", None) is not None for m in models)


def eager(torch):
    """Makes compiled code run as it is written; gives what undoes it."""
    if "torch._dynamo" not in sys.modules:
        return lambda: None
    try:
        stance = torch.compiler.set_stance("force_eager")
        stance.__enter__()
        return lambda: stance.__exit__(None, None, None)
    except AttributeError:
        config = sys.modules["torch._dynamo"].config
        before, config.disable = config.disable, True

        def undo() -> None:
            config.disable = before

        return undo


__all__ = ["Experiment", "Investigation", "Seen", "eager", "source_record"]
