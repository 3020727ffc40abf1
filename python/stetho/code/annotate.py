"""The user's files with how often each of their conditions held, for `stetho run --branches`."""

from __future__ import annotations

import sys

#: Columns of the text of a line, at most.
_WIDTH = 100


def lines(recorder) -> list[str]:
    """The annotated lines, file by file: `  12 | 640/0 | if x > 0:`."""
    by_file: dict[str, dict[int, list]] = {}
    for _, _, condition in recorder.conditions:
        by_file.setdefault(condition.site.path, {}).setdefault(condition.site.line, []).append(condition)
    out: list[str] = []
    for path, found in by_file.items():
        shown = recorder.place(path, 1)["path"]
        out.append(f"{shown}: times that each condition held / did not")
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                source = file.read().splitlines()
        except OSError as error:
            out.append(f"  cannot be read: {error.strerror}")
            continue
        for number, text in enumerate(source, 1):
            counts = [c.counts() for c in found.get(number, ())]
            marks = "  ".join(f"{taken}/{not_taken}" for taken, not_taken in counts)
            one_way = any((a == 0) != (b == 0) for a, b in counts)
            out.append(f"{'!' if one_way else ' '}{marks:>15} {number:>5} | {text[:_WIDTH]}".rstrip())
        out.append("")
    return out


def show(recorder) -> None:
    """Prints them to standard error; standard output is the script's."""
    if recorder.is_compiled:
        recorder.session.say("--branches: the script compiles its model, so its conditions were not counted")
        return
    try:
        sys.stderr.write("\n".join(lines(recorder)) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        pass
