"""What the callbacks of all frameworks share."""

from __future__ import annotations


class Watching:
    """Holds the watching of one training, and ends it."""

    watch = None

    def close(self) -> None:
        """Ends the watching, and prints the report."""
        watch, self.watch = self.watch, None
        if watch is not None:
            watch.close()
