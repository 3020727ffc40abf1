"""What a contract says: the fields of a sample, and what holds between them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from stetho.contracts import paths
from stetho.contracts.violation import ContractError

POLICIES = ("raise", "skip", "warn")
BOXES = ("xyxy", "xywh", "cxcywh")
INCREASING = ("yes", "strictly")


@dataclass(frozen=True)
class Field:
    """What one field of a sample must be. What is not said is not asked."""

    #: Sizes by dimension; None (in TOML `-1`) for any. A picture of PIL is height, width, bands.
    shape: tuple[int | None, ...] | None = None
    #: `float32`, `uint8`, `int`, `str` …, or several of them.
    dtype: str | tuple[str, ...] | None = None
    #: Limits of every number; NaN is outside.
    min: float | None = None
    max: float | None = None
    #: No NaN, no infinity.
    finite: bool = False
    #: The values that may occur: a label set.
    values: tuple | None = None
    #: `yes` or `strictly`.
    increasing: str | None = None
    #: How its boxes are written: `xyxy`, `xywh` (from a corner), `cxcywh` (from the centre). Sides must be greater than 0.
    boxes: str | None = None
    #: The field of the picture that the boxes lie in, or `unit` for boxes in shares of the picture.
    inside: str | None = None
    #: The least side of a box.
    min_side: float = 0.0
    #: Whether it may be absent or None.
    optional: bool = False


@dataclass(frozen=True)
class Contract:
    """What every sample of a data set must satisfy.

    `fields` are by path: `[0]`, `image`, `[1].boxes`, `target["boxes"]`, `[1][*].bbox` (of each item of a list). `same_length` are groups of fields with
    as many items, `same_size` groups of pictures and masks of the same height and width.
    """

    fields: dict[str, Field] = field(default_factory=dict)
    same_length: tuple[tuple[str, ...], ...] = ()
    same_size: tuple[tuple[str, ...], ...] = ()
    policy: str = "raise"
    #: Where the samples that break it are listed, as CSV.
    quarantine: str | None = None
    #: Names of the loaders that it is of, under `stetho run --contract`; of all where none is said.
    loaders: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Puts what was given into one form, and says what makes no sense."""
        if not isinstance(self.fields, dict):
            raise ContractError(f"`fields` is a {type(self.fields).__name__}; it is a dictionary: path of a field → what it must be")
        made = {_written(path): _field(path, said) for path, said in self.fields.items()}
        object.__setattr__(self, "fields", made)
        for name in ("same_length", "same_size"):
            object.__setattr__(self, name, _groups(name, getattr(self, name)))
        if self.policy not in POLICIES:
            raise ContractError(f"the policy is `{self.policy}`; it is `raise`, `skip` or `warn`")
        if not (self.fields or self.same_length or self.same_size):
            raise ContractError("the contract says nothing: give `fields`, `same_length` or `same_size`")

    def with_policy(self, policy: str | None, quarantine: str | None) -> Contract:
        """The same under another policy, or with another list; None keeps what it says."""
        return replace(self, policy=policy or self.policy, quarantine=quarantine or self.quarantine)

    @property
    def rules(self) -> list[str]:
        """What it says, one sentence a rule."""
        from stetho.contracts.checks import compiled

        return [f"`{f}`: {rule}" for f, rule in compiled(self).rules]


def _written(path: str) -> str:
    if not isinstance(path, str):
        raise ContractError(f"`{path!r}` is no path of a field: it is text, such as `[0]` or `image`")
    return paths.text(paths.parse(path)) if path != "sample" else path


def _groups(name: str, given) -> tuple[tuple[str, ...], ...]:
    given = tuple(given)
    if given and all(isinstance(g, str) for g in given):
        given = (given,)  # one group, not in a list
    groups = tuple(tuple(_written(path) for path in group) for group in given)
    for group in groups:
        if len(group) < 2:
            raise ContractError(f"`{name}` compares at least two fields; only `{group[0] if group else ''}` is given")
        if any(paths.ALL in path for path in group):
            raise ContractError(f"`{name}` compares fields of a sample; `{'`, `'.join(group)}` holds `[*]`, which is of items of a list")
    return groups


def _field(path: str, said) -> Field:
    if isinstance(said, Field):
        made = said
    elif isinstance(said, dict):
        known = {f.name for f in fields(Field)}
        strange = next((key for key in said if key not in known), None)
        if strange is not None:
            raise ContractError(f"field `{path}` has `{strange}`, which says nothing; known are {', '.join(sorted(known))}")
        made = Field(**said)
    else:
        raise ContractError(f"field `{path}` is said to be {said!r}; give a `Field` or a dictionary such as {{\"min\": 0, \"max\": 1}}")
    return _checked(path, made)


def _checked(path: str, made: Field) -> Field:
    for name, allowed in (("boxes", BOXES), ("increasing", INCREASING)):
        value = getattr(made, name)
        if name == "increasing" and isinstance(value, bool):
            value = "yes" if value else None
            made = replace(made, increasing=value)
        if value is not None and value not in allowed:
            raise ContractError(f"`{name}` of `{path}` is `{value}`; it is one of {', '.join(allowed)}")
    if made.boxes is None and (made.inside is not None or made.min_side):
        raise ContractError(f"`{path}` has `inside` or `min_side`, which are of boxes: say `boxes = \"xyxy\"` too")
    if made.inside is not None and made.inside != "unit":
        made = replace(made, inside=_written(made.inside))
    if made.min is not None and made.max is not None and not made.min <= made.max:
        raise ContractError(f"`{path}` lies between {made.min} and {made.max}: there is nothing between them")
    if made.shape is not None:
        shape = tuple(None if side is None or side == -1 else side for side in made.shape)
        if not all(side is None or isinstance(side, int) and side >= 0 for side in shape):
            raise ContractError(f"`shape` of `{path}` is {list(made.shape)}; sides are whole numbers, -1 for any")
        made = replace(made, shape=shape)
    for name in ("values", "dtype"):
        value = getattr(made, name)
        if isinstance(value, (list, set, range)):
            made = replace(made, **{name: tuple(sorted(value) if isinstance(value, set) else value)})
    return made
