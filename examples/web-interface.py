"""The computation whose trace the pages show: a hundred times inc and dec, their sums, and one sum of it all.

On a Dask cluster: python examples/web-interface.py [tcp://HOST:PORT]
Without an address it takes DASK_SCHEDULER_ADDRESS, or tcp://127.0.0.1:8786.
"""

import os
import random
import sys
from time import sleep

from distributed import Client


def inc(x):
    sleep(random.random() / 10)
    return x + 1


def dec(x):
    sleep(random.random() / 10)
    return x - 1


def add(x, y):
    sleep(random.random() / 10)
    return x + y


if __name__ == "__main__":
    default = os.environ.get("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:8786")
    with Client(sys.argv[1] if len(sys.argv) > 1 else default) as client:
        incs = client.map(inc, range(100))
        decs = client.map(dec, range(100))
        adds = client.map(add, incs, decs)
        total = client.submit(sum, adds)

        del incs, decs, adds
        print(total.result())
