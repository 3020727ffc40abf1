"""What experiments found, as JSON: numbers that are not finite as words, places as paths and lines."""

from __future__ import annotations

import json
import math

from stetho import writing


def place(found) -> dict | None:
    """A line of the user's."""
    if found is None:
        return None
    from stetho.observe import shown_path

    return {"path": shown_path(found.path), "line": found.line, "text": found.text.strip()}


def plain(value):
    """The value with what JSON cannot hold put into words."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def write(path: str, record: dict) -> None:
    """Writes the record, whole or not at all."""
    with writing.whole(path) as file:
        json.dump(plain(record), file)
