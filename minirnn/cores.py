"""Processes that share the work on many images or lines, one per core. (Training shares it by threads:
`minirnn.training.threads`.)"""

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

MANY = 16  # elements from which on it is worthwhile to start other processes


def available_cores():
    """How many cores this process may use: a container, a batch system or taskset may grant it fewer than there are."""
    return loky.cpu_count()


def process_pool(processes, begin=None, *arguments):
    """A pool of ``processes`` that end with this one, whatever ends it; each first calls ``begin(*arguments)``.

    They are started anew and not forked: a fork would hold the locks of this process, among them that of a run's
    folder, and does not exist on every system. Unlike those of the standard library, they do not import the user's
    script again, which therefore needs no ``if __name__ == "__main__"``."""
    return loky.ProcessPoolExecutor(processes, initializer=_begin, initargs=(os.getpid(), begin, *arguments))


def _begin(parent, begin, *arguments):
    end_with_parent(parent)
    if begin:
        begin(*arguments)


def on_all_cores(function, *lists, many=MANY, lost=None):
    """Yield what ``function`` makes of the elements of ``lists``, in their order, as ``map`` does.

    Processes are used, and not threads, since tracing and encoding are largely Python code. Arguments and results are
    pickled. With fewer than ``many`` elements, all is done in this process.

    The system ends a process that takes too much memory. If this happens again when an element is worked on alone, its
    result is ``lost(*its elements)``, or a MinirnnError if there is no ``lost``; all other elements are worked on as
    usual."""
    items, function = list(zip(*lists)), _importable(function)
    cores = available_cores()
    if cores == 1 or len(items) < many:
        yield from map(function, *lists)
        return
    number, found = 0, {}  # the next result to be yielded, and later results
    with threadpool_limits(1):  # there is a process for every core, so that threads would only compete
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
    """``function`` as other processes can import it, if it is in the module that was run by ``python -m``."""
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
                "a worker process was ended, as the system does when memory runs out; close other programs, or give "
                "less at a time"
            ) from None
        return lost(*item)
    finally:
        pool.shutdown()


def end_with_parent(parent):
    """Make a worker ignore Ctrl-C, which is for the process ``parent`` that started it, and end when ``parent`` ends,
    even if that was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    if os.name != "nt":  # on Windows an orphan keeps its parent's id; there, it ends when it next asks for work
        threading.Thread(target=watch, daemon=True).start()
