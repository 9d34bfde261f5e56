"""How an answer is judged, and how a mistake is recognised.

The result of a student's function is compared with the right one. Where it differs, the same inputs go through a
plain version of the computation with one typical mistake put in, then with another, then with every two. If one
of them gives what the student's function gave, to the last digits, that is the mistake, in whatever style the
function is written. If none does, the verdict says which output is wrong, where in it, by how much, and what that
pattern suggests.
"""

import copy
import dataclasses
import functools
import inspect
import itertools
import linecache
import re
import traceback
from collections.abc import Callable

import numpy as np

from minirnn.networks.gradient_check import TOLERANCE, numerical_gradient, relative_error

MATCH = 1e-8  # two float64 ways of one computation agree far better than this, two different mistakes never so well
RIGHT, NOT_YET, WRONG = "right", "not yet", "wrong"


@dataclasses.dataclass(frozen=True)
class Output:
    """One result: its name, what its axes are called, and the letters of the blocks that stand side by side along
    the last axis ("ifog"), if any."""

    name: str
    axes: tuple = ()
    blocks: str = ""


@dataclasses.dataclass(frozen=True)
class Case:
    """Arguments {name: value} to call the function with. The first case of an exercise is the plain one. In the others,
    ``note`` ends the sentence "it goes wrong ..." where the plain case is right, and ``suggests`` names the mistake
    that this case is there for."""

    arguments: dict
    note: str = ""
    suggests: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class Exercise:
    """An exercise.

    function   name of the function that the student writes
    outputs    what it returns, in order
    cases      what it is called with
    expected   expected(**arguments) -> the right results, from the package
    variant    variant(wrong, **arguments) -> the results with the mistakes whose names are in ``wrong``
    mistakes   {name: advice}
    """

    function: str
    outputs: tuple[Output, ...]
    cases: tuple[Case, ...]
    expected: Callable
    variant: Callable
    mistakes: dict


@dataclasses.dataclass(frozen=True)
class Verdict:
    """``state``: right, not yet or wrong; ``words`` for the student; ``mistakes``: names of those recognised."""

    state: str
    words: str = ""
    mistakes: tuple = ()

    def __str__(self):
        return f"{self.state}: {self.words}" if self.words else self.state


class _Wrong(Exception):
    """The answer is wrong in a way that needs no comparison; the message says how."""


def judge(exercise, function):
    """Call a student's ``function`` on every case of ``exercise`` -> `Verdict`. No exception of the function gets
    out; endless loops and crashes are left to `minirnn.grading.child`."""
    try:
        _check_signature(exercise, function)
        results = [_call(exercise, function, n) for n in range(len(exercise.cases))]
        _check_repeatable(exercise, function, results[0])
    except NotImplementedError:
        return Verdict(NOT_YET)
    except _Wrong as wrong:
        return Verdict(WRONG, str(wrong))
    if all(same(result[name], right[name], TOLERANCE) for result, right in zip(results, right_results(exercise))
           for name in right):  # fmt: skip
        return Verdict(RIGHT)
    mistakes = recognise(exercise, results)
    if mistakes:
        return Verdict(WRONG, _name_mistakes(exercise, results, mistakes), mistakes)
    return Verdict(WRONG, _describe(exercise, results))


def gradients(f, *arrays):
    """Central differences of the scalar ``f()`` with respect to each of ``arrays``, which ``f`` reads."""
    return tuple(numerical_gradient(f, array) for array in arrays)


# Calling the function, and the form of what it returns


def _check_signature(exercise, function):
    arguments = exercise.cases[0].arguments
    try:
        inspect.signature(function).bind(*arguments.values())
    except TypeError:
        raise _Wrong(
            f"its parameters were changed; the first line has to be def {exercise.function}({', '.join(arguments)}):"
        ) from None


def _call(exercise, function, n):
    """Case ``n`` -> {name: array} of what the function returned."""
    given = exercise.cases[n].arguments
    arguments = copy.deepcopy(given)
    try:
        with np.errstate(all="ignore"):
            returned = function(*arguments.values())
    except NotImplementedError:
        raise
    except (Exception, SystemExit) as error:
        raise _Wrong(describe_error(error, function.__code__.co_filename)) from None
    for name, value in given.items():
        if not _untouched(value, arguments[name]):
            raise _Wrong(
                f"it writes into its argument {name}, which the caller still needs: {name} += ... and "
                f"{name}[...] = ... change the caller's array. Compute a new one, or work on a copy"
            )
    return _named(exercise, returned, right_results(exercise)[n])


def _untouched(before, after):
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(_untouched(before[key], after[key]) for key in before)
    return np.array_equal(before, after)


def describe_error(error, path):
    """One line of words for an exception that came out of the file ``path``: what, the line, and the shapes of the
    arrays in that line."""
    words = f"it raises {type(error).__name__}"
    if message := str(error).strip():
        words += f": {message.splitlines()[0]}"
    frames = [step for step in traceback.walk_tb(error.__traceback__) if step[0].f_code.co_filename == str(path)]
    if not frames:
        return words
    frame, line = frames[-1]
    source = linecache.getline(str(path), line).strip()
    words += f" (line {line}: {source}"
    names = dict.fromkeys(re.findall(r"[^\W\d]\w*", source))
    shapes = [f"{n} {frame.f_locals[n].shape}" for n in names if isinstance(frame.f_locals.get(n), np.ndarray)]
    return words + (f"; shapes: {', '.join(shapes)})" if shapes else ")")


def _named(exercise, returned, right):
    """What was returned as {name: array}; `_Wrong` if it does not consist of arrays as it should."""
    outputs = exercise.outputs
    listed = ", ".join(output.name for output in outputs)
    several = isinstance(returned, (tuple, list))
    if returned is None:
        raise _Wrong(f"it returns nothing; its last line has to be return {listed}")
    if len(outputs) == 1:
        if several:
            raise _Wrong(f"it returns a {type(returned).__name__}; it has to return {listed} alone")
        returned = (returned,)
    elif not several or len(returned) != len(outputs):
        got = f"{len(returned)} things" if several else f"one {type(returned).__name__}"
        raise _Wrong(f"it returns {got}; it has to return {len(outputs)}: {listed}")
    named = _flat(outputs, returned)
    if missing := [name for name in right if name not in named]:
        raise _Wrong(f"{missing[0]} is missing: what is returned has to have the keys of the argument")
    return {name: _as_array(name, named[name], right[name]) for name in right}


def _flat(outputs, values):
    """[output, ...] -> {name: output}, a dict of arrays becoming one entry an array."""
    named = {}
    for output, value in zip(outputs, values):
        if isinstance(value, dict):
            named.update({f'{output.name}["{key}"]': array for key, array in value.items()})
        else:
            named[output.name] = value
    return named


def _as_array(name, value, right):
    if value is None:
        raise _Wrong(f"{name} is None; was it computed?")
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not isinstance(value, np.ndarray) and not is_number:
        wanted = "a number" if right.ndim == 0 else f"an array of shape {right.shape}"
        raise _Wrong(f"{name} is a {type(value).__name__}; it should be {wanted}")
    array = np.asarray(value)
    if right.dtype.kind == "i" and array.dtype.kind not in "iu":
        raise _Wrong(f"{name} has dtype {array.dtype}; ids are integers")
    if right.dtype.kind == "f" and array.dtype != np.float64:
        raise _Wrong(f"{name} has dtype {array.dtype}; the arguments are float64, and it should be so too")
    return array


def _check_repeatable(exercise, function, first):
    again = _call(exercise, function, 0)
    if not all(same(again[name], first[name], MATCH) for name in first):
        raise _Wrong(
            "a second call with the same arguments gives another result: the function keeps something between calls "
            "(a global, a default argument that is changed), or draws random numbers of its own"
        )


# Comparing, and recognising mistakes


def same(a, b, tolerance):
    """Are two arrays equal up to ``tolerance``? What is not finite equals what is not finite."""
    if a.shape != b.shape:
        return False
    finite = np.isfinite(a)
    return bool((finite == np.isfinite(b)).all()) and relative_error(a[finite], b[finite]) <= tolerance


def _run(exercise, compute):
    results = []
    for case in exercise.cases:
        with np.errstate(all="ignore"):
            values = compute(**copy.deepcopy(case.arguments))
        named = _flat(exercise.outputs, values)
        results.append({name: np.asarray(value) for name, value in named.items()})
    return results


@functools.cache
def right_results(exercise):
    """[{name: array}] of what is right, one for every case."""
    return _run(exercise, exercise.expected)


@functools.cache
def variant_results(exercise, wrong):
    """[{name: array}] of what comes out with the mistakes ``wrong`` (a tuple of names), one for every case."""
    return _run(exercise, functools.partial(exercise.variant, wrong))


def recognise(exercise, results):
    """The names of the mistakes that explain ``results``, () if unknown. First one mistake that explains
    everything is looked for, then two, then one for every case that is wrong, then one for every output."""
    names = list(exercise.mistakes)
    for count in (1, 2):
        for wrong in itertools.combinations(names, count):
            variant = variant_results(exercise, wrong)
            if all(same(own[key], other[key], MATCH) for own, other in zip(results, variant) for key in own):
                return wrong
    compared = zip(exercise.cases, results, right_results(exercise))
    suggested = [
        case.suggests
        for case, own, right in compared
        if not all(same(own[key], right[key], TOLERANCE) for key in right)
    ]
    if all(suggested):
        return tuple(suggested)
    found = []
    for output in _wrong_outputs(exercise, results):
        explained_by = [
            name
            for name in names
            if all(same(own[output], v[output], MATCH) for own, v in zip(results, variant_results(exercise, (name,))))
        ]
        if not explained_by:
            return ()
        found.append(explained_by[0])
    return tuple(dict.fromkeys(found))


def _wrong_outputs(exercise, results):
    """Names of the outputs that are wrong in any case."""
    right = right_results(exercise)
    return [key for key in right[0] if not all(same(a[key], b[key], TOLERANCE) for a, b in zip(results, right))]


# Words


def _listing(names):
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _which(exercise, results):
    """Words such as "dWx and db are wrong, dx is right"."""
    wrong = _wrong_outputs(exercise, results)
    right = [name for name in results[0] if name not in wrong]
    words = f"{_listing(wrong)} {'is' if len(wrong) == 1 else 'are'} wrong"
    return words + (f", {_listing(right)} {'is' if len(right) == 1 else 'are'} right" if right else "")


def _name_mistakes(exercise, results, mistakes):
    named = [f"{name} - {exercise.mistakes[name]}" for name in mistakes]
    if len(named) > 1:
        named = [f"({n}) {words}" for n, words in enumerate(named, start=1)]
        return f"{_which(exercise, results)}. {len(named)} mistakes at once: {'; '.join(named)}"
    return f"{_which(exercise, results)}: {named[0]}"


def _describe(exercise, results):
    """What is wrong, where and how far off, for a mistake that nobody thought of."""
    compared = zip(exercise.cases, results, right_results(exercise))
    case, own, right = next(
        (case, own, right)
        for case, own, right in compared
        if not all(same(own[key], right[key], TOLERANCE) for key in right)
    )
    wrong = [key for key in right if not same(own[key], right[key], TOLERANCE)]
    words = _which(exercise, results)
    if case.note:
        words += f". The plain case is right; it goes wrong {case.note}"
    return f"{words}. {_describe_output(exercise, wrong[0], own[wrong[0]], right[wrong[0]])}"


def _describe_output(exercise, key, own, right):
    output = next(output for output in exercise.outputs if key.startswith(output.name))
    if own.shape != right.shape:
        return f"{key} has shape {own.shape}, it should be {right.shape}{_suggest_shape(own, right)}"
    if not np.isfinite(own).all():
        index = tuple(int(n) for n in np.argwhere(~np.isfinite(own))[0])
        return f"{_entry(key, index)} is {own[index]}: look for exp of something large, log of 0, division by 0"
    with np.errstate(all="ignore"):
        suggestion = _suggest_pattern(output, own, right)
    if right.dtype.kind == "i":
        places = own != right
    else:
        places = np.abs(own - right) > TOLERANCE * np.maximum(np.abs(right), 1e-3)
    off = np.where(places, np.abs(own - right), -1)
    index = np.unravel_index(int(off.argmax()), off.shape)
    referee = "by central differences" if key.startswith("d") else "in minirnn"  # only gradients begin with d
    words = f"{_entry(key, index)} is {own[index]:.6g}, {referee} {right[index]:.6g}"
    if own.size > 1:
        words += f"; {places.sum()} of {own.size} entries are off, by {off.max():.2g} at most"
    return words + suggestion


def _entry(key, index):
    return f"{key}[{', '.join(str(n) for n in index)}]" if index else key


def _suggest_shape(own, right):
    if own.shape == right.shape[::-1]:
        return ": it is transposed"
    if [n for n in own.shape if n != 1] == [n for n in right.shape if n != 1]:
        return ": an axis of length 1 is too many or too few (keepdims?)"
    if own.ndim > right.ndim and own.shape[own.ndim - right.ndim :] == right.shape:
        return ": is a sum over the first axis missing?"
    if own.ndim == right.ndim:
        axis = next(n for n in range(own.ndim) if own.shape[n] != right.shape[n])
        return f": look at axis {axis}"
    return ""


def _suggest_pattern(output, own, right):
    """What the pattern of the difference says, as the end of a sentence."""
    if not own.any():
        return ". It is all zeros: nothing was ever added to it"
    if right.dtype.kind == "f":
        ratio = own[np.abs(right) > 1e-6] / right[np.abs(right) > 1e-6]
        if ratio.size > 1 and np.ptp(ratio) <= 1e-6 * np.abs(ratio).max():
            if np.isclose(ratio[0], -1):
                return ". Everything has the wrong sign"
            return f". Everything is {ratio[0]:.6g} times what it should be: a factor too many or too few"
        difference = (own - right).ravel()
        if difference.size > 1 and np.ptp(difference) <= 1e-6 * np.abs(difference).max():
            return f". Everything is off by the same {difference[0]:.6g}: something is added that should not be"
    if right.ndim == 2 and right.shape[0] == right.shape[1] and same(own.T, right, TOLERANCE):
        return ". It is right when transposed"
    for axis in range(right.ndim):
        if right.shape[axis] > 1 and same(np.flip(own, axis), right, TOLERANCE):
            return f". It is right in the opposite order along axis {axis}"
    return _suggest_part(output, own, right)


def _suggest_part(output, own, right):
    """Is it right in a part: in some blocks, or at some index of an axis?"""
    if output.blocks:
        width = right.shape[-1] // len(output.blocks)
        parts = [slice(n * width, (n + 1) * width) for n in range(len(output.blocks))]
        good = [same(own[..., part], right[..., part], TOLERANCE) for part in parts]
        if any(good):
            wrong = _listing([letter for letter, ok in zip(output.blocks, good) if not ok])
            return f". Only the block of {wrong} is wrong"
    for axis, name in enumerate(output.axes):
        good = [n for n in range(right.shape[axis]) if same(np.take(own, n, axis), np.take(right, n, axis), TOLERANCE)]
        if good:
            return f". It is right at {name} = {', '.join(map(str, good))} only"
    return ""
