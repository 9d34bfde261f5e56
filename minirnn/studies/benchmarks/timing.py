"""The contenders take turns, so that whatever else the machine does affects all of them alike.

The threads of a matrix library keep spinning for a while after their last product, to be ready for the next one: those
of OpenBLAS for some 30 milliseconds, those of libgomp, which PyTorch uses, for a few. On a machine with two cores they
would slow down the next contender. So every turn begins with a pause, in which they fall asleep, and with one call that
is not timed, which wakes the contender's own threads.
"""

import statistics
import time

PAUSE = 0.1  # seconds
TURN = 0.2  # seconds of timed calls in a turn, at least one call and at most
MOST_CALLS = 200


def take_turns(contenders, rounds):
    """{name: function} -> {name: [median seconds of a call in each of ``rounds`` turns]}."""
    names, seconds = list(contenders), {name: [] for name in contenders}
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            time.sleep(PAUSE)
            seconds[name].append(one_turn(contenders[name]))
    return seconds


def one_turn(function):
    """The median seconds of a call."""
    calls = min(MOST_CALLS, max(1, int(TURN / timed(function))))
    return statistics.median(timed(function) for _ in range(calls))


def timed(function):
    """Seconds that a call of ``function`` takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started
