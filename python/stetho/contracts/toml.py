"""A contract as TOML: read, and written with comments for editing."""

from __future__ import annotations

import json
import os

from stetho import writing
from stetho.contracts.declare import Contract
from stetho.contracts.violation import ContractError

#: Format of the file.
SCHEMA = 1
_TOP = ("schema", "policy", "quarantine", "same_length", "same_size", "loaders", "field")
_HEAD = """\
# What every sample must satisfy. Edit at will: what is not said is not asked.
# policy: "raise" ends the training, "skip" leaves the sample out, "warn" lets it through and counts it.
# Of a field: shape (-1 for any side), dtype (one or a list), min, max, finite, values, increasing ("yes" or "strictly"),
# boxes ("xyxy", "xywh", "cxcywh"), inside (the field of the picture, or "unit"), min_side, optional.
"""


def read(path: str | os.PathLike[str]) -> Contract:
    """The contract of a file. Raises `ContractError` with the file's name where it makes none."""
    name = os.fspath(path)
    try:
        import tomllib
    except ImportError:
        try:
            import tomli as tomllib
        except ImportError:
            raise ContractError(f"`{name}` cannot be read: Python before 3.11 reads TOML with `pip install tomli`") from None
    try:
        with open(path, "rb") as file:
            said = tomllib.load(file)
    except OSError as error:
        raise ContractError(f"the contract `{name}` cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ContractError(f"the contract `{name}` is no TOML: {error}") from None
    try:
        return _made(said)
    except ContractError as error:
        raise ContractError(f"the contract `{name}`: {error}") from None
    except TypeError as error:
        raise ContractError(f"the contract `{name}`: a value is of another type than is meant: {error}") from None


def _made(said: dict) -> Contract:
    strange = next((key for key in said if key not in _TOP), None)
    if strange is not None:
        raise ContractError(f"`{strange}` says nothing; known are {', '.join(_TOP)}")
    if said.get("schema", SCHEMA) != SCHEMA:
        raise ContractError(f"its format is {said['schema']}, this version reads {SCHEMA}")
    fields: dict = {}
    for entry in said.get("field", []):
        entry = dict(entry)
        path = entry.pop("path", None)
        if path is None:
            raise ContractError("a [[field]] has no `path`")
        fields[path] = entry
    groups = (tuple(said.get("same_length", ())), tuple(said.get("same_size", ())))
    return Contract(fields, *groups, said.get("policy", "raise"), said.get("quarantine"), tuple(said.get("loaders", ())))


def write(contract: Contract, path: str | os.PathLike[str], source: str = "") -> None:
    """Writes a contract, to be read by `read`. `source` says where it comes from, for its head."""
    text = as_text(contract, source)
    with writing.whole(path) as file:
        file.write(text)


def as_text(contract: Contract, source: str = "") -> str:
    """The contract as TOML."""
    lines = [_HEAD + (f"# {source}\n" if source else "")]
    lines.append(f"schema = {SCHEMA}")
    lines.append(f"policy = {_value(contract.policy)}")
    if contract.quarantine:
        lines.append(f"quarantine = {_value(contract.quarantine)}")
    if contract.loaders:
        lines.append(f"loaders = {_value(contract.loaders)}")
    for name in ("same_length", "same_size"):
        groups = getattr(contract, name)
        if groups:
            lines.append(f"{name} = {_value([list(g) for g in groups])}")
    for where, said in contract.fields.items():
        lines.append("")
        lines.append("[[field]]")
        lines.append(f"path = {_value(where)}")
        if said.shape is not None:
            lines.append(f"shape = {_value([-1 if side is None else side for side in said.shape])}")
        for name in ("dtype", "min", "max", "finite", "values", "increasing", "boxes", "inside", "min_side", "optional"):
            value = getattr(said, name)
            if value is not None and value is not False and not (name == "min_side" and value == 0):
                lines.append(f"{name} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _value(value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return "nan" if value != value else "inf" if value == float("inf") else "-inf" if value == -float("inf") else repr(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    # What JSON escapes TOML escapes in the same way, but for DEL.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
