"""Many images or lines at once: each is worked on alone, so the cores share them."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor

from threadpoolctl import threadpool_limits

MANY = 16  # elements from which on it is worth while to start other processes


def on_all_cores(function, *lists, many=MANY):
    """Yield what ``function`` makes of the elements of ``lists``, in their order, as ``map`` does.

    Processes, not threads, since tracing and encoding are Python code to a large part. What goes in and out is pickled.
    They are not worth while for fewer than ``many`` elements."""
    cores = os.cpu_count() or 1
    if cores == 1 or len(lists[0]) < many:
        yield from map(function, *lists)
        return
    # A process for every core: products that want all cores each would only be in each other's way.
    with threadpool_limits(1), ProcessPoolExecutor(cores, initializer=end_with_parent) as pool:
        yield from pool.map(function, *lists)


def end_with_parent():
    """Let a worker leave Ctrl-C to the process that started it, and end when that one ends, even if it was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait():
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
