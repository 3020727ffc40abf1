"""Prints the seconds from the start of the process, which `BEGAN` says, to this script's first line and to its first after `import torch`."""

import json
import os
import time

FIRST = time.time()
import torch  # noqa: E402, F401

BEGAN = float(os.environ["BEGAN"])
print(json.dumps([FIRST - BEGAN, time.time() - BEGAN]))
