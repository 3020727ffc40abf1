"""The one run: its steps, their attempts, and who looks at them.

Transformed code calls this object as ``__stetho__``. It keeps what a step starts from, hears of backward passes and optimizer steps
through `hooks`, and when the trap trips has the same body run again under the experiments of `replay`.
"""

from __future__ import annotations

import builtins
import os
import sys
import time
import traceback
import weakref

from stetho import data, guards, models, state, trainings
from stetho.instrument import Site
from stetho.patches import Patches
from stetho.trap import Trap, Trip


#: Steps at the start of a run whose optimizer steps can be taken back: there, an optimizer that breaks the weights is replayed.
FIRST = 3


class Tripped(BaseException):
    """Leaves the body of a step so that it can be attempted again. No ``except Exception`` of the user's catches it."""


class Stopped(SystemExit):
    """Ends the script after a trap."""


class _Unbound:
    """Stands for a name that was not set when the body started."""

    def __repr__(self) -> str:
        return "unset"


class Body:
    """One training step while it is made."""

    __slots__ = (
        "site", "number", "values", "batches", "cursor", "n_backward", "stepped", "losses", "undo", "is_over",
    )

    def __init__(self, site: Site, number: int, values: tuple) -> None:
        self.site = site
        self.number = number
        #: What the carried names were.
        self.values = values
        #: What ``next`` gave within the body, in order.
        self.batches: list = []
        self.cursor = 0
        self.n_backward = 0
        #: Optimizers that have stepped, in order.
        self.stepped: list = []
        self.losses: list[float] = []
        self.undo: list[state.Undo] = []
        #: Whether what made it has returned, so that it cannot be attempted again, while a framework still steps.
        self.is_over = False


class Session:
    """Watches a run."""

    UNBOUND = _Unbound()
    NameError = NameError
    AttributeError = AttributeError

    def __init__(self, options, log=None) -> None:
        self.options = options
        self.log = log
        #: Where the log and the bundles of this training are.
        self.folder = options.folder
        self.n_trainings = 1
        #: Processes that the script started last to train in, all at the same time; and whether it has forked any, which are not watched.
        self.spawned, self.has_forked = [], False
        #: The site of the step in which each optimizer stepped first.
        self.trained_at: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
        self.collecting, self.searching = trainings.Seldom(), trainings.Seldom()
        self.sites: list[Site] = []
        self.patches = Patches()
        #: Numbers of those that are functions, by their code.
        self.numbers: dict = {}
        self.torch = None
        self.trap = Trap(self)
        self.body: Body | None = None
        #: The experiment under way; while there is one, nothing is logged and no trap is set.
        self.experiment = None
        #: Optimizer steps that were made.
        self.step = 0
        self.epoch: int | None = None
        self.n_skipped = 0
        self.models: list = []
        self._has_new_models = False
        self.random: state.RandomStates | None = None
        self.buffers: state.Buffers | None = None
        #: What gives the tensors beside buffers that a forward pass changes: what adapters know of their framework.
        self.kept = tuple
        #: What gives the optimizers that are not of `torch.optim`.
        self.optimizers = tuple
        self.batches = data.Batches()
        self.probes = None
        #: What is recorded of the script itself; None where it is not loaded by us.
        self.code = None
        self.debugger = None
        #: Sites whose steps have several optimizers.
        self.several: set[int] = set()
        #: What is known of each optimizer's gradients.
        self.gradients: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
        self.square_sum, self.n_optimizer_steps = 0.0, 0
        #: A weak reference to the newest loss of a backward pass.
        self.loss = None
        #: The last loss that a gradient scaler scaled: what it gave, and what it was given.
        self.scaled, self.scaler = None, None
        #: The user's frame in which the step that tripped is made.
        self.frame = None
        self._names, self._model_names, self._parts = {}, {}, []
        self._started = time.perf_counter()
        #: What `stetho replay` runs again: what the bundle says of itself, and its state.
        self.replaying: tuple[dict, dict] | None = None
        #: What the script was left by.
        self.left_by: BaseException | None = None
        #: The checks before the first step, until they have been made.
        self.preflight = None
        #: Batches that these drew within the body.
        self.draws = None
        self.is_off = False
        self.attempted = 0
        self._failures = 0
        self._leave_forks()

    def _leave_forks(self) -> None:
        """Forked workers are not watched. Such a hook cannot be taken away: it must not keep a run alive that is over."""
        leave = weakref.WeakMethod(self._leave)
        os.register_at_fork(after_in_child=lambda: (here := leave()) is not None and here())

    # -- called by transformed code

    @property
    def Again(self):
        """What an attempt may end with. In an experiment whatever the body raises only ends the experiment; what the user's code raises because
        its loss is not finite is raised again once that has been looked into."""
        if self.experiment is not None:
            caught = sys.exc_info()[1]
            if not isinstance(caught, (KeyboardInterrupt, GeneratorExit)):
                self.experiment.raised(caught)
                return BaseException
        elif self.torch is not None and not self.is_off:
            try:
                self.trap.trip = guards.trip_of(self, sys.exc_info()[1]) or self.trap.trip
            except Exception:
                self.failed("looking at what the step was left by")
            if self.trap.trip is not None:
                return BaseException
        return Tripped

    def partial(self, number: int, names: dict) -> tuple:
        """The carried values where not all of them are set yet."""
        values = []
        for name in self.sites[number].carried:
            head, _, attribute = name.partition(".")
            value = names.get(head, self.UNBOUND)
            if value is self.UNBOUND and head not in names:
                value = sys._getframe(1).f_globals.get(head, self.UNBOUND)
            if attribute and value is not self.UNBOUND:
                value = getattr(value, attribute, self.UNBOUND)
            values.append(value)
        return tuple(values)

    def attempts(self, number: int, values: tuple):
        """Runs the body once; more often when the trap trips."""
        if self.body is not None or self.experiment is not None or self.is_off or self.torch is None:
            yield None  # within a body, or nothing to watch
            return
        if self.replaying is not None:
            yield from self._replay(number, values)
            return
        start, drawn = None, []
        if self.preflight is not None and self.preflight.is_due(self):
            preflight, self.preflight = self.preflight, None
            start, drawn = values, (yield from preflight.run(self, number, values))
        self.begin(number, values)
        self.body.batches = drawn
        try:
            yield start
            if self.trap.trip is None and self.attempted <= FIRST:
                self.trap.look_at_parameters()
            if self.trap.trip is None:
                return
            if self.code is not None:
                self.code.pause()
            yield from self._investigate()
        finally:
            if self.code is not None:
                self.code.resume()
            self.end()

    def next(self, iterator, *default):
        """``next`` within a body: another attempt gets what the first one got."""
        body = self.body
        if body is None or isinstance(iterator, Session):
            return builtins.next(iterator, *default)
        if body.cursor < len(body.batches):
            batch = body.batches[body.cursor]
            if self.draws is not None:
                self.draws.again(body.cursor)
            body.cursor += 1
            return batch if self.experiment is None else self.experiment.batch(batch)
        if self.draws is not None and self.experiment is not None:
            batch = self.draws.first(lambda: builtins.next(iterator, *default))
        else:
            batch = builtins.next(iterator, *default)
        body.batches.append(batch)
        body.cursor = len(body.batches)
        return batch

    def leaves(self, number: int, result=None):
        """A body is about to be left by ``return`` or ``break``: an experiment ends there instead."""
        if self.experiment is not None and self.body is not None and self.body.site is self.sites[number]:
            raise Tripped
        return result

    # -- a step

    def begin(self, number: int, values: tuple) -> None:
        """A body starts."""
        self.body = body = Body(self.sites[number], number, values)
        self.attempted += 1
        try:
            if self.random is None or self.random.is_stale():
                self.random = state.RandomStates(self.torch)
            self.random.take()
            if self._has_new_models or self.buffers is None:
                self.buffers = state.Buffers(self.models or models.in_sight(self), self.kept())
                self._has_new_models = False
            self.buffers.take()
            if self.probes is not None:
                self.probes.begin(body)
        except Exception:
            self.failed("keeping the state of a step")
        if self.debugger is not None:
            self.debugger.begin(self.user_frame())

    def end(self) -> None:
        """The body is over, whichever way it was left."""
        body, self.body = self.body, None
        self.draws = None
        if body is None:
            return
        if self.preflight is not None:
            self.preflight.made(body)
        if self.probes is not None and self.trap.trip is None:
            try:
                self.probes.end(body)
            except Exception:
                self.failed("measuring a step")
        if len(body.stepped) > 1 and len(set(map(id, body.stepped))) > 1:
            self.several.add(body.number)
        self.trap.disarm()

    def restore(self) -> None:
        """Puts back what the body started from."""
        body = self.body
        for undo in reversed(body.undo):
            undo.restore()
        body.undo = []
        self.buffers.restore()
        self.random.restore()
        body.cursor = 0
        body.n_backward = 0
        body.stepped = []

    def _replay(self, number: int, values: tuple):
        """The step of a bundle in the place of the script's first one."""
        from stetho import bundle

        meta, saved = self.replaying
        site = self.sites[number]
        if (site.path, site.line) != (os.path.realpath(meta["site"]["path"]), meta["site"]["line"]):
            yield None
            return
        self.probes = None
        self.begin(number, values)
        try:
            unfit = bundle.put_in(self, saved)
            if unfit:
                self.say(f"{' and '.join(unfit)} of the bundle did not fit what the script made; the step may differ")
            kept = saved["values"]
            self.body.values = tuple(kept.get(n, v) for n, v in zip(site.carried, values))
            self.body.batches = list(saved["batches"] or [])
            self.random.put(saved["random"])
            self.buffers = state.Buffers(self.models, self.kept())
            self.buffers.take()
            self.step = meta["step"]
            self.trap.trip = Trip.of_bundle(meta)
            yield from self._investigate()
        finally:
            self.end()
        raise Stopped(1)

    def _investigate(self):
        """After a trip: the experiments, the finding, and how the run goes on."""
        from stetho import replay

        trip = self.trap.trip
        self.frame = sys._getframe(1).f_back
        investigation = replay.Investigation(self, trip)
        streams = (sys.stdout, sys.stderr)
        try:
            for experiment in investigation.experiments():
                self.restore()
                investigation.clear_gradients()
                self.experiment = experiment
                experiment.enter()
                try:
                    yield experiment.values
                    experiment.ends()
                finally:
                    experiment.leave()
                    self.experiment = None
                    sys.stdout, sys.stderr = streams
        except GeneratorExit:
            raise
        except Exception:
            self.failed("replaying the step")
        self.restore()
        investigation.clear_gradients()
        is_stopping = self.trap.conclude(investigation)
        if trip.error is not None:
            self.trap.disarm()
            raise trip.error
        if self.debugger is not None and self.debugger.wants_trap and not trip.goes_on:
            self.experiment = self.debugger.experiment(investigation)
            self.experiment.enter()
            try:
                yield self.experiment.values
            finally:
                self.experiment.leave()
                self.experiment = None
        if trip.goes_on:
            # The step itself, as if nothing had been looked at.
            self.restore()
            investigation.clear_gradients()
            self.trap.pass_once(trip)
            yield self.body.values
            return
        if is_stopping:
            raise Stopped(1)

    # -- events, from `hooks`

    def trip(self, trip: Trip) -> None:
        """Something is wrong with this step. Leaves the body if it can be attempted again."""
        self.trap.trip = trip
        if self.body is not None and not trip.is_lost and not self.body.is_over:
            raise Tripped
        # No body to attempt again: what is known is told.
        from stetho import replay

        investigation = replay.Investigation(self, trip)
        is_stopping = self.trap.conclude(investigation)
        self.trap.trip = None
        if is_stopping:
            raise Stopped(1)

    # -- what there is

    def meet(self, optimizer) -> None:
        """An optimizer steps for the first time: the models that its parameters belong to are found."""
        self._names = {}
        site = self.trained_at[optimizer] = self.body.number if self.body is not None else None
        is_another = trainings.is_another(self, optimizer)
        self.known_models(anew=True)
        if is_another and self.probes is not None:
            is_alone = trainings.is_alone(self, optimizer)
            if is_alone and trainings.is_training(self):
                trainings.begin(self)
            # What trains at another line beside the first, as a probe of what was learned, is no reason to forget the data of that.
            if is_alone or all(number == site for o, number in self.trained_at.items() if o is not optimizer):
                self.probes.forget_data()
    def known_optimizer(self, optimizer) -> None:
        """An optimizer that has not stepped yet, of a step that is replayed."""
        from stetho.hooks import Gradients

        self.gradients[optimizer] = Gradients(self.torch, optimizer)

    def known_models(self, anew: bool = False) -> list:
        """Models whose parameters the optimizers have, found among the variables of the user's frames."""
        if self.models and not anew:
            return self.models
        found = models.find(self)
        # Not the models alone: a layer of one may have been replaced.
        parts = [id(p) for m in found for p in (m, *m.parameters())]
        if found and parts != self._parts:
            self._parts = parts
            self.models = found
            self._model_names = {}
            # A step that has begun goes on with what it started from.
            self._has_new_models = True
            if self.probes is not None:
                self.probes.meet(found)
        return self.models

    def prefix(self, model) -> str:
        """What the names of a model's parts begin with: nothing where it is the only one, else the user's name for it."""
        if len(self.models) < 2:
            return ""
        if id(model) not in self._model_names:
            self._model_names = models.name_all(self, self.models)
        return self._model_names.get(id(model), type(model).__name__) + "."

    def name_of(self, parameter) -> str | None:
        """The name of a parameter in its model."""
        if not self._names:
            for model in self.models:
                for name, p in model.named_parameters():
                    self._names.setdefault(id(p), self.prefix(model) + name.rpartition("_torch_params.")[2])
        return self._names.get(id(parameter))

    def all_terms(self, name: str) -> tuple[str, ...]:
        """The terms of a variable of that name at any site."""
        return next((s.terms[name] for s in self.sites if name in s.terms), ())

    def mean_step_time(self) -> float:
        """Seconds of a step so far, on average."""
        return (time.perf_counter() - self._started) / max(self.n_optimizer_steps, 1)

    def _leave(self) -> None:
        self.is_off = True

    def failed(self, what: str) -> None:
        """Something of ours went wrong: said once, then the run goes on without it."""
        self._failures += 1
        if self._failures == 1:
            last = traceback.format_exc(limit=-1).strip().splitlines()
            self.say(f"{what} failed in stetho itself, the training goes on unwatched: {last[-1]}")
            if os.environ.get("STETHO_DEBUG"):
                traceback.print_exc()
        self.is_off = True
        self.probes = None

    def user_frame(self):
        """The innermost frame of the user's own code."""
        frame = sys._getframe(1)
        while frame is not None and not self.options.is_own(frame.f_code.co_filename):
            frame = frame.f_back
        return frame

    def say(self, text: str) -> None:
        """One line for the user, on standard error."""
        try:
            sys.stderr.flush()
            print(f"stetho: {text}", file=sys.__stderr__ or sys.stderr, flush=True)
        except (OSError, ValueError):
            pass
