"""Many images or lines at once: each is worked on alone, so the cores share them."""

import importlib
import os
import signal
import sys
import threading
import time

import loky
from loky.process_executor import TerminatedWorkerError
from threadpoolctl import threadpool_limits

from minirnn.errors import MinirnnError

MANY = 16  # elements from which on it is worth while to start other processes


def available_cores():
    """How many cores this process may use: a container, a batch system or taskset may grant it fewer than there are."""
    return loky.cpu_count()


def process_pool(processes, begin=None, *arguments):
    """A pool of ``processes`` that end with this one, whatever ends it; each first calls ``begin(*arguments)``.

    They are started anew, not forked: a fork would hold the locks of this process, among them that of a run's folder,
    and does not exist everywhere. Other than the standard library's they do not import the user's script again, which
    therefore needs no ``if __name__ == "__main__"``."""
    return loky.ProcessPoolExecutor(processes, initializer=_begin, initargs=(os.getpid(), begin, *arguments))


def _begin(parent, begin, *arguments):
    end_with_parent(parent)
    if begin:
        begin(*arguments)


def on_all_cores(function, *lists, many=MANY, lost=None):
    """Yield what ``function`` makes of the elements of ``lists``, in their order, as ``map`` does.

    Processes, not threads, since tracing and encoding are Python code to a large part. What goes in and out is pickled.
    They are not worth while for fewer than ``many`` elements.

    The system ends a process that takes too much memory. An element at which this happens again when it is worked on
    alone gives ``lost(*its elements)``, or a MinirnnError if there is no ``lost``; all others are worked on as if
    nothing had happened."""
    items, function = list(zip(*lists)), _importable(function)
    cores = available_cores()
    if cores == 1 or len(items) < many:
        yield from map(function, *lists)
        return
    number, found = 0, {}  # the next one to be given out, and what is known of later ones
    with threadpool_limits(1):  # a process for every core: threads would only be in each other's way
        while number < len(items):
            pool, coming = process_pool(cores), {}
            try:
                for n in range(number, len(items)):
                    if n not in found:
                        coming[n] = pool.submit(function, *items[n])
                for n in range(number, len(items)):
                    result = found.pop(n) if n in found else coming[n].result()
                    coming.pop(n, None)
                    number = n + 1
                    yield result
            except TerminatedWorkerError:
                found |= {n: future.result() for n, future in coming.items() if _succeeded(future)}
                result = found.pop(number) if number in found else _alone(function, items[number], lost)
                number += 1
                yield result
            finally:
                for future in coming.values():
                    future.cancel()
                pool.shutdown()


def _importable(function):
    """``function`` as other processes can import it, if it stands in the module that was run by ``python -m``."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if function.__module__ != "__main__" or spec is None:
        return function
    return getattr(importlib.import_module(spec.name), function.__qualname__)


def _succeeded(future):
    return future.done() and not future.cancelled() and future.exception() is None


def _alone(function, item, lost):
    """What ``function`` makes of ``item`` in a process of its own."""
    pool = process_pool(1)
    try:
        return pool.submit(function, *item).result()
    except TerminatedWorkerError:
        if lost is None:
            raise MinirnnError(
                "a process that worked for this one was ended, as the system does when memory runs out; close other "
                "programs, or give less at a time"
            ) from None
        return lost(*item)
    finally:
        pool.shutdown()


def end_with_parent(parent):
    """Let a worker leave Ctrl-C to the process ``parent`` that started it, and end when that one ends, even if it was
    killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    if os.name != "nt":  # Windows gives an orphan no other parent; there, it ends when it next asks for work
        threading.Thread(target=watch, daemon=True).start()
