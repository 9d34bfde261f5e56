"""Words for what is wrong: a mistake that was recognised, an exception, a result that nobody thought of."""

import itertools
import linecache
import re
import traceback

import numpy as np

from minirnn.networks.gradient_check import TOLERANCE, relative_error

LONGEST = 300  # characters of a student's own error message that are repeated
MOST = 8  # indices that are listed: more say nothing


def listing(names):
    """["a", "b", "c"] -> "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def describe_error(error, path):
    """One line of words for an exception that came out of the file ``path``: what, the line, and the shapes of the
    arrays in that line."""
    words = f"it raises {type(error).__name__}"
    if message := str(error).strip():
        words += f": {message.splitlines()[0][:LONGEST]}"
    frames = [step for step in traceback.walk_tb(error.__traceback__) if step[0].f_code.co_filename == str(path)]
    if not frames:
        return words
    frame, line = frames[-1]
    source = linecache.getline(str(path), line).strip()[:LONGEST]
    words += f" (line {line}: {source}"
    names = dict.fromkeys(re.findall(r"[^\W\d]\w*", source))
    shapes = [f"{n} {frame.f_locals[n].shape}" for n in names if isinstance(frame.f_locals.get(n), np.ndarray)]
    return words + (f"; shapes: {', '.join(shapes)})" if shapes else ")")


def _which(outputs, wrong):
    """Words such as "dWx and db are wrong, dx is right"."""
    right = [name for name in outputs if name not in wrong]
    words = f"{listing(wrong)} {'is' if len(wrong) == 1 else 'are'} wrong"
    return words + (f", {listing(right)} {'is' if len(right) == 1 else 'are'} right" if right else "")


def name_mistakes(exercise, outputs, wrong, mistakes):
    """Words for mistakes that were recognised; ``outputs`` and ``wrong`` are the names of all and of the wrong ones."""
    texts = [f"{name} - {exercise.mistakes[name]}" for name in mistakes]
    if len(texts) > 1:
        texts = [f"({n}) {words}" for n, words in enumerate(texts, start=1)]
        return f"{_which(outputs, wrong)}. {len(texts)} mistakes at once: {'; '.join(texts)}"
    return f"{_which(outputs, wrong)}: {texts[0]}"


def describe(exercise, number, own, wrong, agree):
    """What is wrong in case ``number``, where and how far off, for a mistake that nobody thought of. Of all wrong
    outputs the one is described that says most about where to look."""
    right, note = exercise.right[number], exercise.judged_on[number].note
    words = _which(list(own), [key for key in own if key in wrong])
    if note:
        words += f". The plain case is right; it goes wrong {note}"
    outputs = {key: next(o for o in exercise.outputs if key == o.name or key.startswith(f"{o.name}[")) for key in own}
    off = [key for key in right if not agree({key: own[key]}, {key: right[key]})]
    told = [_describe_output(outputs[key], key, own, right) for key in off]
    return f"{words}. {max(told, key=lambda one: one[0])[1]}"


def _describe_output(output, key, own, right):
    """-> how much the words say about the mistake, the words."""
    value, wanted = own[key], right[key]
    if of_another := _value_of_another(key, own, right):
        return 5, of_another
    if value.shape != wanted.shape:
        return 4, f"{key} has shape {value.shape}, it should be {wanted.shape}{_suggest_shape(value, wanted)}"
    unlike = ~np.isfinite(value) & (value != wanted)
    if unlike.any():
        index = tuple(int(n) for n in np.argwhere(unlike)[0])
        return 3, f"{_entry(key, index)} is {value[index]}: look for exp of something large, log of 0, division by 0"
    lacking = np.isfinite(value) & ~np.isfinite(wanted)
    if lacking.any() and _equal(np.where(lacking, wanted, value), wanted):
        index = tuple(int(n) for n in np.argwhere(lacking)[0])
        return 3, f"{_entry(key, index)} is {value[index]:.6g}, it should be {wanted[index]}; all else is right"
    with np.errstate(all="ignore"):
        rank, suggestion = _suggest_pattern(output, value, wanted)
        if wanted.dtype.kind == "i":
            places = value != wanted
        else:
            places = ~(np.abs(value - wanted) <= TOLERANCE * np.maximum(np.abs(wanted), 1e-3)) & (value != wanted)
        off = np.where(places, np.abs(value - wanted), -1)
    index = np.unravel_index(int(off.argmax()), off.shape)
    referee = "by central differences" if key.startswith("d") else "in minirnn"  # only gradients begin with d
    words = f"{_entry(key, index)} is {value[index]:.6g}, {referee} {wanted[index]:.6g}"
    if value.size > 1:
        words += f"; {places.sum()} of {value.size} entries are off, by {off.max():.2g} at most"
    return rank, words + suggestion


def _entry(key, index):
    return f"{key}[{', '.join(str(n) for n in index)}]" if index else key


def _equal(a, b):
    finite = np.isfinite(a)
    if a.shape != b.shape or not np.array_equal(a[~finite], b[~finite]) or not np.isfinite(b[finite]).all():
        return False
    return not finite.any() or relative_error(a[finite], b[finite]) <= TOLERANCE


def _value_of_another(key, own, right):
    """Is what stands in one output the right value of another?"""
    for other in right:
        if other != key and right[other].any() and _equal(own[key], right[other]):
            if _equal(own[other], right[key]):
                return f"{key} and {other} are exchanged"
            return f"{key} has the value that {other} should have"
    return ""


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
    """What the pattern of the difference says: how much that is, and the end of a sentence."""
    if not own.any():
        return 2, ". It is all zeros: nothing was ever added to it"
    if right.dtype.kind == "f":
        ratio = own[np.abs(right) > 1e-6] / right[np.abs(right) > 1e-6]
        if ratio.size > 1 and np.ptp(ratio) <= 1e-6 * np.abs(ratio).max():
            if np.isclose(ratio[0], -1):
                return 3, ". Everything has the wrong sign"
            return 3, f". Everything is {ratio[0]:.6g} times what it should be: a factor too many or too few"
        difference = (own - right).ravel()
        if difference.size > 1 and np.ptp(difference) <= 1e-6 * np.abs(difference).max():
            return 3, f". Everything is off by the same {difference[0]:.6g}: something is added that should not be"
    if right.ndim == 2 and right.shape[0] == right.shape[1] and _equal(own.T, right):
        return 3, ". It is right when transposed"
    for axis in range(right.ndim):
        if right.shape[axis] > 1 and _equal(np.flip(own, axis), right):
            return 3, f". It is right in the opposite order along axis {axis}"
    return _suggest_part(output, own, right)


def _suggest_part(output, own, right):
    """Is it right in a part: in some blocks, in blocks of another order, or at some index of an axis?"""
    if output.blocks:
        parts, wanted = (np.split(array, len(output.blocks), axis=-1) for array in (own, right))
        for order in itertools.permutations(range(len(parts))):
            if all(_equal(parts[n], wanted[m]) for n, m in enumerate(order)):
                stand = ", ".join(output.blocks[m] for m in order)
                return 3, f". Its blocks stand in the order {stand}; here it is {', '.join(output.blocks)}"
        good = [_equal(a, b) for a, b in zip(parts, wanted)]
        if any(good):
            wrong = listing([letter for letter, ok in zip(output.blocks, good) if not ok])
            return 2, f". Only the block of {wrong} is wrong"
    for axis in range(right.ndim):
        name = output.axes[axis] if len(output.axes) == right.ndim else f"axis {axis}"
        good = [n for n in range(right.shape[axis]) if _equal(np.take(own, n, axis), np.take(right, n, axis))]
        if 0 < len(good) <= MOST:
            return 1, f". It is right at {name} = {', '.join(map(str, good))} only"
    return 0, ""
