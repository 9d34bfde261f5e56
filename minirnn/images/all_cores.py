"""Many images at once: each is worked on alone, so the cores share them."""

import os
from concurrent.futures import ProcessPoolExecutor

from threadpoolctl import threadpool_limits

MANY = 16  # images from which on it is worth while to start other processes


def on_all_cores(function, *lists):
    """Yield what ``function`` makes of the elements of ``lists``, in their order, as ``map`` does.

    Processes, not threads, since tracing is Python code to a large part. What goes in and out is pickled."""
    cores = os.cpu_count() or 1
    if cores == 1 or len(lists[0]) < MANY:
        yield from map(function, *lists)
        return
    # A process for every core: products that want all cores each would only be in each other's way.
    with threadpool_limits(1), ProcessPoolExecutor(cores) as pool:
        yield from pool.map(function, *lists)
