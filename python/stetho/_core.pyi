"""The compiled part of Stetho.

Tensors are known by the address of their memory (`tensor.data_ptr()`), which must be on the CPU. The caller keeps them alive and unchanged
during a call, and says truly how many numbers they hold: nothing can check it.

Codes of dtypes: 0 float32, 1 float64, 2 float16, 3 bfloat16. Strides count numbers, as `tensor.stride()` does. Wrong arguments raise
`ValueError`.
"""

import os

__version__: str

def command(args: list[str]) -> int | str:
    """Carries out the command that `args`, without the program's name, ask for.

    Returns its exit status, or, for what has to be done in Python, a request as JSON:
    `{"command": "run", "script": "train.py", "args": [...], "options": {...}}`, with `"module"` in place of `"script"` for `-m`, and
    `{"command": "replay", "bundle": ..., "options": {...}}`. Options are `budget` (a share, 0 to 1), `break` (a list of
    `{"kind": "nonfinite"}`, `{"kind": "rule", "rule": ID}`, `{"kind": "compare", "signal": NAME, "operator": ">", "value": 5.0}`), `on_trap`
    (`stop`, `skip`, `debug`), `debugger` (`pdb`, `debugpy`), `pdb` (of `replay`), `dir` (absolute, or None), `folder` (the present one at the
    start) and `report` (for `finish`).
    """

def finish(folder: str | os.PathLike[str], request: str) -> int:
    """Judges the run that was logged into `folder`, and delivers its report as the request, as JSON, asks for it.

    The report as text goes to standard error; `report.html` is left in the folder in any case. Returns the exit status: 0 nothing at or
    above `--fail-on`, 1 something, 2 the report could not be made, of which one line is told.
    """

def square_sum(pointers: list[int], lengths: list[int], dtype: int) -> tuple[float, bool]:
    """The sum of squares of contiguous arrays, in double precision, and whether every number is finite.

    The sum may be infinite though all is finite, for float64 alone.
    """

class Norm:
    """The same for tensors whose lengths (in numbers) stay the same, in about a microsecond."""

    def __new__(cls, lengths: list[int], dtype: int) -> Norm: ...
    def of_tensors(self, tensors: list) -> tuple[float, bool] | None:
        """The sum of squares and whether all is finite; None where a tensor does not lie in one piece or has another length."""

    def of_gradients(self, parameters: list) -> tuple[float, bool] | None:
        """The same of the gradients of parameters, those that have one."""

class Drawn:
    """The samples of one data set that were drawn; it may grow, to less than `most`. Indices below 0 count from the end, one that is out of
    range raises `IndexError`.
    """

    def __new__(cls, size: int, most: int) -> Drawn: ...
    @property
    def n_distinct(self) -> int: ...
    @property
    def n_drawn(self) -> int: ...
    def draw(self, indices: list[int], before: int) -> tuple[int, int]:
        """A batch was drawn, after the sample `before`: how many samples were the next ones of the data set, and the last of them."""

    def has(self, index: int) -> bool:
        """Whether a sample was drawn."""

class Spikes:
    """Tells a loss beyond a run's own noise, in constant memory."""

    def __new__(cls) -> Spikes: ...
    def see(self, loss: float) -> tuple[float, float] | None:
        """Level and swing before a loss that is a spike; None for any other, which is counted."""

class Statistics:
    """What is known of a tensor's numbers. All but the counts is of the finite ones, and NaN where there is none."""

    @property
    def n(self) -> int:
        """How many numbers there are."""
    @property
    def n_nan(self) -> int: ...
    @property
    def n_inf(self) -> int: ...
    @property
    def n_zero(self) -> int: ...
    @property
    def min(self) -> float: ...
    @property
    def max(self) -> float: ...
    @property
    def mean(self) -> float: ...
    @property
    def variance(self) -> float:
        """The mean of the squared distances from the mean: not corrected for the size of the sample."""
    @property
    def l1(self) -> float:
        """The sum of magnitudes."""
    @property
    def l2(self) -> float:
        """The square root of the sum of squares."""
    @property
    def histogram(self) -> list[tuple[float, float, int]] | None:
        """Bins that hold numbers, from the most negative to the most positive: least and greatest value of the bin, count.

        A power of two and its double lie eight bins apart, one bin for float64. Numbers too small to be normal share a bin or, of float16,
        eight.
        """
    @property
    def n_counted(self) -> int:
        """How many numbers, finite or not, were looked at for the histogram."""

def statistics(
    pointer: int,
    dtype: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    histogram: bool = False,
    whole: bool = False,
) -> Statistics:
    """Statistics of a tensor, in one pass over its memory whatever the order of its dimensions.

    For the histogram one number in 32, evenly, is counted of tensors beyond 2**18, every one if `whole`. Counts, extremes and all else are of
    every number; mean and spread are right to a millionth of the spread, of float64 to the last digits.
    """

def non_finite_rows(pointer: int, dtype: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> list[int]:
    """Indices along the first dimension under which something is NaN or infinite. A tensor without dimensions is one row."""

class Snapshot:
    """Copies of regions of memory, made into memory that was reserved before."""

    def __new__(cls, pointers: list[int], n_bytes: list[int]) -> Snapshot: ...
    def take(self) -> None:
        """Copies what the regions hold now."""
    def restore(self) -> None:
        """Writes back what was copied last."""

class Held:
    """Copies of tensors on the CPU that dictionaries hold, each in one piece, as long as these hold the same ones, at the same addresses."""

    def __new__(cls, dicts: list[dict], tensors: list, n_bytes: list[int]) -> Held:
        """`tensors` are those to be copied, of so many bytes each; `dicts` must go on holding what they hold now."""
    def take(self) -> bool:
        """Copies what the tensors hold now; False, and nothing is copied, where one has been replaced or lies elsewhere."""
    def restore(self) -> None:
        """Writes back what was copied last."""

class RunLog:
    """The log of a run: TensorBoard event files, judged while they grow.

    In a forked process nothing is written. `OSError` where the system refuses to write.
    """

    def __new__(cls, folder: str | os.PathLike[str]) -> RunLog:
        """Begins a log in the folder, which is made if missing."""
    def log(
        self,
        step: int,
        scalars: dict[str, float],
        layers: dict[str, tuple[list[str], list[float]]] | None = None,
    ) -> list[str]:
        """Logs numbers of a step, by tag, and quantities of layers (`gradient_norm`, `dead_share` …), from the input to the output.

        Returns what the rules have found since they judged last, each finding as JSON.
        """
    def trap(self, json: str) -> list[str]:
        """Keeps a trap (an object in JSON) in `traps.jsonl` beside the log. Returns findings as `log` does."""
    def verdict(self) -> str:
        """What the rules say of the run as it stands: `{"findings": [...], "outcomes": [...]}`."""
    def flush(self) -> None:
        """Hands all that was logged to the system: it outlives the process from then on."""

class Checks:
    """The checks of a contract that can be made in one call: on contiguous tensors in the processor's memory, and on numbers of Python's."""

    def __new__(cls, tensor: type, dtypes: list[tuple[object, int]], fields: list[tuple[list[int | str], list[tuple] | None]]) -> Checks:
        """`dtypes` are the data types of tensors with their codes: those above, then 4 to 8 for uint8, int8, int16, int32 and int64; 9 is an
        `int`, 10 a `float` of Python's.

        At most 64 fields, each the steps of its path and what is asked: `("kind", codes)`, `("shape", sides)` with None for any, `("within",
        low, high)`, `("one of", whole numbers)`, `("boxes", "xyxy" | "xywh" | "cxcywh", least side, None | "unit" | steps)`; None where Python
        alone can tell.
        """
    def look(self, sample: object) -> int:
        """The fields of a sample that do not surely keep the contract, as bits: 0 where all do."""
