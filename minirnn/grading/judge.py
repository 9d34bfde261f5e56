"""How an answer is judged, and how a mistake is recognised.

The result of a student's function is compared with the right one. Where it differs, the same inputs go through the
plain solution with one usual mistake put in, then with every two. If exactly one of them gives what the student's
function gave, to the last digits, that is the mistake, in whatever style the function is written. If none does, or if
several do, nothing is named: a wrong name is worse than none. The verdict then says which output is wrong, where in
it, by how much, and what that pattern suggests.
"""

import dataclasses
import functools
import inspect
import itertools

import numpy as np

from minirnn.grading import description
from minirnn.grading.exercise import cut_off, mistaken, named, results
from minirnn.networks.gradient_check import TOLERANCE, relative_error

MATCH = 1e-8  # two float64 ways of one computation agree far better than this, two different mistakes never so well
RIGHT, NOT_YET, WRONG = "right", "not yet", "wrong"


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
    remarks = []
    try:
        _check_signature(exercise, function)
        own = [_call(exercise, function, n, remarks) for n in range(len(exercise.judged_on))]
        _check_repeatable(exercise, function, own[0])
        remark = f" {remarks[0]}." if remarks else ""
        if all(agree(result, right) for result, right in zip(own, exercise.right)):
            _check_new(exercise, function)
            return Verdict(RIGHT, f"Its values are right.{remark}" if remark else "")
    except NotImplementedError:
        return Verdict(NOT_YET)
    except _Wrong as wrong:
        return Verdict(WRONG, str(wrong))
    mistakes = recognise(exercise, own)
    wrong = _wrong_outputs(exercise, own)
    if mistakes:
        words = description.name_mistakes(exercise, _all_outputs(exercise), wrong, mistakes)
        return Verdict(WRONG, words + remark, mistakes)
    number = next(n for n in range(len(own)) if not agree(own[n], exercise.right[n]))
    return Verdict(WRONG, description.describe(exercise, number, own[number], wrong, agree) + remark)


# Calling the function, and the form of what it returns


def _check_signature(exercise, function):
    arguments = exercise.judged_on[0].arguments
    try:
        inspect.signature(function).bind(*arguments.values())
    except TypeError:
        raise _Wrong(
            f"its parameters were changed; the first line has to be def {exercise.function}({', '.join(arguments)}):"
        ) from None


def _run(exercise, function, n):
    """Case ``n`` -> what the function returned, and the arguments that it was given."""
    case, given = exercise.judged_on[n], {}

    def call(**arguments):
        given.update(arguments)
        return function(*arguments.values())

    try:
        returned = case(call)
    except NotImplementedError:
        raise
    except (Exception, SystemExit) as error:
        raise _Wrong(description.describe_error(error, function.__code__.co_filename)) from None
    for name, value in case.arguments.items():
        if not _untouched(value, given[name]):
            raise _Wrong(
                f"it writes into its argument {name}, which the caller still needs: {name} += ... and "
                f"{name}[...] = ... change the caller's array. Compute a new one, or work on a copy"
            )
    return returned, given


def _untouched(before, after):
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(_untouched(before[key], after[key]) for key in before)
    return callable(before) or np.array_equal(before, after)


def _call(exercise, function, n, remarks):
    """Case ``n`` -> {name: array} of what the function returned; what is right but should be mended goes to
    ``remarks``."""
    returned, _ = _run(exercise, function, n)
    outputs, right = exercise.outputs, exercise.right[n]
    listed = ", ".join(output.name for output in outputs)
    if returned is None:
        raise _Wrong(f"it returns nothing; its last line has to be return {listed}")
    several = isinstance(returned, (tuple, list))
    if len(outputs) == 1:
        if several and np.shape(_from_list(returned)) != right[listed].shape:
            raise _Wrong(f"it returns a {type(returned).__name__}; it has to return {listed} alone, as one array")
        returned = (returned,)
    elif not several or len(returned) != len(outputs):
        got = f"{len(returned)} things" if several else f"one {type(returned).__name__}"
        raise _Wrong(f"it returns {got}; it has to return {len(outputs)}: {listed}")
    values = {name: (output, value) for output, name, value in named(outputs, returned)}
    if missing := [name for name in right if name not in values]:
        raise _Wrong(f"{missing[0]} is missing: what is returned has to have the keys of the argument")
    return {name: _as_array(name, *values[name], right[name], remarks) for name in right}


def _from_list(value):
    """The array that a list stands for, or None."""
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    return array if array.dtype.kind in "iuf" else None


def _as_array(name, output, value, right, remarks):
    if value is None:
        raise _Wrong(f"{name} is None; was it computed?")
    if isinstance(value, (list, tuple)) and right.ndim and _from_list(value) is not None:
        remark = f"Return {name} as one array, np.array({name}): it is a {type(value).__name__}"
        if remark not in remarks:
            remarks.append(remark)
        value = _from_list(value)
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not isinstance(value, np.ndarray) and not is_number:
        wanted = "a number" if right.ndim == 0 else f"an array of shape {right.shape}"
        raise _Wrong(f"{name} is a {type(value).__name__}; it should be {wanted}")
    array = np.asarray(value)
    if right.dtype.kind == "i" and array.dtype.kind not in "iu":
        raise _Wrong(f"{name} has dtype {array.dtype}; ids are integers")
    if right.dtype.kind == "f" and array.dtype != np.float64:
        raise _Wrong(f"{name} has dtype {array.dtype}; the arguments are float64, and it should be so too")
    return cut_off(output, array)


def _check_repeatable(exercise, function, first):
    again = _call(exercise, function, 0, [])
    if not all(same(again[name], first[name], MATCH) for name in first):
        raise _Wrong(
            "a second call with the same arguments gives another result: the function keeps something between calls "
            "(a global, a default argument that is changed), or draws random numbers of its own"
        )


def _check_new(exercise, function):
    """What is returned has to be new: the caller's own arrays would change with what is done to the result."""
    for n in range(len(exercise.judged_on)):
        returned, given = _run(exercise, function, n)
        returned = returned if isinstance(returned, (tuple, list)) else (returned,)
        for _, name, value in named(exercise.outputs, returned):
            for argument, array in _arrays(given):
                if isinstance(value, np.ndarray) and np.shares_memory(value, array):
                    raise _Wrong(
                        f"{name} has the right values, but it is the caller's own array {argument}. Return a new one: "
                        "whoever changes the result would change the argument with it"
                    )


def _arrays(arguments):
    """(name, array) of all arrays among the arguments."""
    for name, value in arguments.items():
        if isinstance(value, dict):
            yield from ((f'{name}["{key}"]', array) for key, array in value.items())
        elif isinstance(value, np.ndarray):
            yield name, value


# Comparing, and recognising mistakes


def same(a, b, tolerance):
    """Are two arrays equal up to ``tolerance``? What is not finite equals what is not finite."""
    if a.shape != b.shape:
        return False
    finite = np.isfinite(a)
    return bool((finite == np.isfinite(b)).all()) and relative_error(a[finite], b[finite]) <= tolerance


def right_value(own, right):
    """Is an array what it should be?"""
    return same(own, right, TOLERANCE) and np.array_equal(own[~np.isfinite(own)], right[~np.isfinite(right)])


def agree(own, right):
    """Are all outputs of one case what they should be?"""
    return all(right_value(own[key], right[key]) for key in right)


def _wrong_outputs(exercise, own):
    """Names of the outputs that are wrong in any case."""
    wrong = [key for a, b in zip(own, exercise.right) for key in b if not right_value(a[key], b[key])]
    return [key for key in _all_outputs(exercise) if key in wrong]


def _all_outputs(exercise):
    """Names of the outputs of all cases."""
    return list(dict.fromkeys(key for right in exercise.right for key in right))


@functools.cache
def mistaken_result(exercise, numbers, case):
    """{name: array} for the case of number ``case`` with the ways ``numbers`` put into the solution; None where they
    cannot be put in together or make it fail."""
    function = mistaken(exercise, [change for n in numbers for change in exercise.ways[n][1]])
    found = function and results(exercise, function, [exercise.judged_on[case]])
    return found and found[0]


def mistaken_results(exercise, numbers):
    """[{name: array}] for every case, or None, as `mistaken_result` has it."""
    found = [mistaken_result(exercise, numbers, case) for case in range(len(exercise.judged_on))]
    return None if None in found else found


def recognise(exercise, own):
    """The names of the mistakes that explain ``own``, () if unknown or if there is more than one explanation. One
    mistake that explains everything is looked for first, then two, then one for every output that is wrong, which has
    to explain all outputs that it would change."""
    ways = range(len(exercise.ways))
    for numbers in (itertools.combinations(ways, 1), itertools.combinations(ways, 2)):
        found = {_names(exercise, some) for some in numbers if _explains(exercise, some, own)}
        if len(found) == 1:
            return found.pop()
        if found:
            return ()
    found = []
    for output in _wrong_outputs(exercise, own):
        if not all(a[output].any() and np.isfinite(a[output]).all() for a in own if output in a):
            return ()
        explained_by = {_names(exercise, (n,)) for n in ways if _explains_outputs(exercise, n, own, output)}
        if len(explained_by) != 1:
            return ()
        found.extend(explained_by.pop())
    return tuple(dict.fromkeys(found))


def _names(exercise, numbers):
    return tuple(dict.fromkeys(exercise.ways[n][0] for n in numbers))


def _explains(exercise, numbers, own):
    """Do these mistakes give what the student's function gave?"""
    if len(numbers) > len(_names(exercise, numbers)):
        return False  # two ways of one mistake
    for case, a in enumerate(own):  # most mistakes are ruled out by the first, the others need not be computed
        b = mistaken_result(exercise, numbers, case)
        if b is None or not all(same(a[key], b[key], MATCH) for key in a):
            return False
    return True


def _explains_outputs(exercise, n, own, output):
    """Does this mistake change ``output``, and is everything that it changes what the student's function gave?"""
    other = mistaken_results(exercise, (n,))
    if other is None:
        return False
    changed = _wrong_outputs(exercise, other)
    return output in changed and all(
        same(a[key], b[key], MATCH) for a, b in zip(own, other) for key in a if key in changed
    )
