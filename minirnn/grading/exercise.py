"""What an exercise is, and how a usual mistake is put into its solution.

The mistakes of an exercise are one text, a paragraph for each: its name, advice for the student, and the *ways* of
making it, what stands in the source of the solution and what is written instead:

    the last one wins: a symbol that occurs more than once keeps only its last dy. ...
        dE[v] += row -> dE[v] = row

A line that begins with "and" is a second change of the same way, and {a|b} stands for two ways, with a and with b. So
the solution stays plain, and what a mistake does can be read next to its name.
"""

import copy
import dataclasses
import functools
import inspect
import re
import textwrap
from collections.abc import Callable

import numpy as np

from minirnn.networks.gradient_check import numerical_gradient

SEED = 24  # of the inputs that answers are judged with


@dataclasses.dataclass(frozen=True)
class Output:
    """One result: its name, what its axes are called, and the letters of the blocks that stand side by side along
    the last axis ("ifog"), if any. ``log``: it is a logarithm, and whatever is below -1e9 counts as log 0."""

    name: str
    axes: tuple = ()
    blocks: str = ""
    log: bool = False


@dataclasses.dataclass(frozen=True)
class GradedCase:
    """Arguments {name: value} to call the function with. The first case of an exercise is the plain one; in the others
    ``note`` ends the sentence "it goes wrong ..."."""

    arguments: dict
    note: str = ""

    def __call__(self, function):
        """What ``function`` returns for this case's arguments. Each is a copy of its own, also where the case uses one
        array twice."""
        with np.errstate(all="ignore"):
            return function(**{name: copy.deepcopy(value) for name, value in self.arguments.items()})


def case(note="", **arguments):
    """A `GradedCase` of these arguments."""
    return GradedCase(arguments, note)


@dataclasses.dataclass(frozen=True, eq=False)
class Exercise:
    """An exercise.

    function   name of the function that the student writes
    outputs    what it returns, in order
    cases      cases(rng) -> what it is called with
    expected   expected(**arguments) -> the right results, from the package
    solution   solution(**arguments) -> the same, written plainly
    mistakes   {name: advice}
    ways       the ways of making them: [(name, changes)], changes a list of (what stands, what is written)
    hints      three texts, the last with the equations
    """

    function: str
    outputs: tuple[Output, ...]
    cases: Callable
    expected: Callable
    solution: Callable
    mistakes: dict
    ways: list
    hints: list

    @functools.cached_property
    def judged_on(self):
        """The cases that an answer is judged with."""
        return self.cases(np.random.default_rng(SEED))

    @functools.cached_property
    def right(self):
        """What is right, {name: array} for every case."""
        return results(self, self.expected, self.judged_on)


def gradients(f, *arrays):
    """Central differences of the scalar ``f()`` with respect to each of ``arrays``, which ``f`` reads."""
    return tuple(numerical_gradient(f, array) for array in arrays)


def paragraphs(text):
    """The paragraphs of a text, each in one line."""
    return [" ".join(part.split()) for part in text.strip().split("\n\n")]


def read_mistakes(text):
    """The text of an exercise's mistakes -> {name: advice}, [(name, [(what stands, what is written instead), ...])]."""
    advice, ways = {}, []
    for paragraph in text.strip().split("\n\n"):
        words, *lines = re.split(r"\n {4}(?!and | )", paragraph)
        name, advice_text = " ".join(words.split()).split(": ", 1)
        advice[name] = advice_text
        for line in lines:
            joined = re.sub(r"\n {5,}", " ", line)
            changes = [re.split(" ->(?: |$)", change) for change in joined.split("\n    and ")]
            ways += [(name, way) for way in _alternatives(changes)]
    return advice, ways


def _alternatives(changes):
    """Changes with {a|b} in what is written -> one list of changes with a, one with b."""
    choice = re.search(r"\{([^{}]*\|[^{}]*)\}", changes[0][1])
    if not choice:
        return [changes]
    (stands, written), rest = changes[0], changes[1:]
    return [[(stands, written.replace(choice[0], one)), *rest] for one in choice[1].split("|")]


@functools.cache
def source(solution):
    """The source text of a solution."""
    return textwrap.dedent(inspect.getsource(solution))


def mistaken(exercise, changes):
    """The solution with ``changes``, as a function; None where what stands is no longer there, because another of the
    changes has already replaced it."""
    text = source(exercise.solution)
    for stands, written in changes:
        if stands not in text:
            return None
        text = text.replace(stands, written)
    names = dict(exercise.solution.__globals__)
    exec(text, names)
    return names["solution"]


def results(exercise, function, cases):
    """[{name: array}] of what ``function`` returns for ``cases``; None where a mistake makes it fail."""
    try:
        return [as_arrays(exercise.outputs, case(function)) for case in cases]
    except (ArithmeticError, IndexError, UnboundLocalError, ValueError):
        return None


def as_arrays(outputs, values):
    """The values that a solution returns -> {name: array}."""
    values = values if isinstance(values, tuple) else (values,)
    return {name: cut_off(output, np.asarray(value)) for output, name, value in named(outputs, values)}


def cut_off(output, array):
    """``array``, with the logarithm of zero as -∞ where an output is a logarithm."""
    return np.where(array < -1e9, -np.inf, array) if output.log else array


def named(outputs, values):
    """[(output, name, value)] of what was returned; a dict of arrays becomes one entry per array."""
    for output, value in zip(outputs, values):
        if isinstance(value, dict):
            yield from ((output, f'{output.name}["{key}"]', array) for key, array in value.items())
        else:
            yield output, output.name, value
