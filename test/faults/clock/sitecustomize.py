"""Makes a Python process believe that its system's clock was stepped: SIGUSR1 reads how far from a file, in seconds."""

import os
import signal
import time

_real = time.time
_offset = 0.0


def _stepped():
    return _real() + _offset


def _step(signum, frame):
    global _offset
    with open(os.environ["STEPPED_CLOCK"]) as file:
        _offset = float(file.read())


if "STEPPED_CLOCK" in os.environ:
    signal.signal(signal.SIGUSR1, _step)
    time.time = _stepped
