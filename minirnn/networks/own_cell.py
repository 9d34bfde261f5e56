"""A recurrent layer of your own: a Python file becomes a cell of `minirnn.networks.char_rnn.CharRNN`.

The file has four functions, as `minirnn.layers.lstm` has them:

    init(rng, D, H, dtype)         -> params, a dict of arrays
    start(B, params)               -> the state before the first step, a tuple of any number of arrays (B, ...)
    forward(x, state, params)      -> y (T, B, H), the state after the last step, cache
    backward(dy, dstate, cache)    -> dx, the error of the state before the first step, grads; dstate may be None

`load_cell` adds them to the cells, under the name of the file. `complaints` tries them out and says what is wrong with
them, and where to look.
"""

import copy
import importlib.util
import pathlib
import traceback

import numpy as np

from minirnn.errors import MinirnnError
from minirnn.layers import CELLS
from minirnn.networks.gradient_check import TOLERANCE, numerical_gradient, relative_error

FUNCTIONS = ("init", "start", "forward", "backward")


def load_cell(path):
    """Run the file ``path`` and put its functions among the cells -> the cell's name, that of the file. What cannot be
    a cell is a `MinirnnError`."""
    path = pathlib.Path(path)
    if not path.is_file():
        raise MinirnnError(f"{path} does not exist; give the Python file that defines the cell")
    if not path.stem.isidentifier() or path.suffix != ".py":
        raise MinirnnError(f"{path} cannot be the name of a cell; call the file like my_cell.py")
    if path.stem in CELLS and getattr(CELLS[path.stem], "__file__", None) != str(path.resolve()):
        raise MinirnnError(f"there is a cell {path.stem} already; give the file another name")
    spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise MinirnnError(f"{path} cannot be loaded: {type(error).__name__}: {error}") from None
    if missing := [name for name in FUNCTIONS if not callable(getattr(module, name, None))]:
        raise MinirnnError(f"{path} has no function {missing[0]}; a cell has {', '.join(FUNCTIONS)}")
    if not hasattr(module, "shapes"):
        module.shapes = lambda D, H: {
            name: array.shape for name, array in module.init(np.random.default_rng(0), D, H, np.float32).items()
        }
    CELLS[path.stem] = module
    return path.stem


def inputs_for(cell, rng, T=3, B=3, D=4, H=2):
    """x, a state that is not zero, parameters, dy and dstate for a cell, all float64 and of the order of one."""
    params = {name: 0.5 * rng.standard_normal(np.shape(a)) for name, a in cell.init(rng, D, H, np.float64).items()}
    state = tuple(0.5 * rng.standard_normal(np.shape(array)) for array in cell.start(B, params))
    dstate = tuple(rng.standard_normal(array.shape) for array in state)
    return rng.standard_normal((T, B, D)), state, params, rng.standard_normal((T, B, H)), dstate


def complaints(cell, seed=0):
    """What is wrong with a cell, a list of sentences, the most urgent one first; [] if nothing is."""
    rng = np.random.default_rng(seed)
    try:
        return _of_form(cell, rng) or _of_arguments(cell, rng) + _of_state(cell, rng) or _of_gradients(cell, rng)
    except NotImplementedError as error:
        return [f"{_place(error)} is not written yet"]
    except Exception as error:
        return [f"{_place(error)} raises {type(error).__name__}: {error}"]


def _place(error):
    """Where an exception comes from."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.name} ({pathlib.Path(last.filename).name}, line {last.lineno})"


def _of_form(cell, rng):
    """Do the functions return what they should, in the right shapes and the dtype of the input?"""
    for dtype in (np.float64, np.float32):
        x, state, params, dy, dstate = _cast(inputs_for(cell, rng), dtype)
        y, end, cache = cell.forward(*copy.deepcopy((x, state, params)))
        dx, dstart, grads = cell.backward(*copy.deepcopy((dy, dstate, cache)))
        if grads.keys() != params.keys():
            odd = ", ".join(sorted(grads.keys() ^ params.keys()))
            return [f"grads should have the keys of params; {odd} missing or too many"]
        pairs = [("y", y, dy), ("dx", dx, x), *((f"d{name}", grads[name], params[name]) for name in params)]
        if not isinstance(end, tuple) or not isinstance(dstart, tuple) or not len(end) == len(dstart) == len(state):
            return [f"the state should be a tuple of {len(state)} everywhere, as start gives it"]
        for n in range(len(state)):
            pairs += [(f"state {n}", end[n], state[n]), (f"the error of state {n}", dstart[n], state[n])]
        for name, array, model in pairs:
            if np.shape(array) != model.shape:
                return [f"{name} has shape {np.shape(array)}, it should be {model.shape}"]
            if array.dtype != dtype:
                return [
                    f"{name} is {array.dtype} where everything that goes in is {np.dtype(dtype)}: look for "
                    "np.zeros(...) without dtype, and for numbers such as np.float64"
                ]
    return []


def _cast(tree, dtype):
    if isinstance(tree, dict):
        return {name: _cast(value, dtype) for name, value in tree.items()}
    return tuple(_cast(value, dtype) for value in tree) if isinstance(tree, tuple) else tree.astype(dtype)


def _of_arguments(cell, rng):
    """Do the functions leave their arguments as they are?"""
    x, state, params, dy, dstate = inputs_for(cell, rng)
    given = copy.deepcopy((x, state, params))
    cache = cell.forward(*given)[2]
    found = [] if _equal(given, (x, state, params)) else ["forward writes into x, the state or params; work on a copy"]
    first = cell.backward(*copy.deepcopy((dy, dstate)), cache=copy.deepcopy(cache))
    errors = copy.deepcopy((dy, dstate))
    cell.backward(*errors, cache)
    if not _equal(errors, (dy, dstate)):
        found.append("backward writes into dy or dstate, which the caller still needs; work on a copy")
    if not _equal(cell.backward(*copy.deepcopy((dy, dstate)), cache), first):
        found.append("a second backward with the same cache gives another result; it writes into the cache")
    return found


def _equal(a, b):
    if isinstance(a, dict):
        return all(_equal(a[name], b[name]) for name in b)
    return all(map(_equal, a, b)) if isinstance(a, tuple) else np.array_equal(a, b)


def _of_state(cell, rng):
    """Is the whole sequence the same as its beginning and then its rest?"""
    x, state, params, _, _ = inputs_for(cell, rng, T=5)
    y, end, _ = cell.forward(*copy.deepcopy((x, state, params)))
    first, middle, _ = cell.forward(*copy.deepcopy((x[:2], state, params)))
    rest, last, _ = cell.forward(*copy.deepcopy((x[2:], middle, params)))
    if relative_error(np.concatenate([first, rest]), y) > TOLERANCE or any(map(_differ, last, end)):
        return ["five steps at once are not two and then three: the state that forward returns is not all it needs"]
    return []


def _differ(a, b):
    return relative_error(a, b) > TOLERANCE


def _of_gradients(cell, rng):
    """Is backward the derivative of forward? Of every array that is wrong: how, and since which number of steps."""
    wrong = {T: _wrong_gradients(cell, np.random.default_rng(T), T) for T in (1, 2, 4)}
    found = []
    for name in wrong[4]:
        index, analytic, numeric = wrong[4][name]
        place = ", ".join(map(str, index))
        words = f"the gradient of {name} is wrong: [{place}] is {analytic:.6g}, by central differences {numeric:.6g}"
        if name not in wrong[1]:
            words += "; for one step it is right, so what fails is what step t+1 sends back to step t"
        found.append(words)
    x, state, params, dy, dstate = inputs_for(cell, rng)
    cache = cell.forward(*copy.deepcopy((x, state, params)))[2]
    none = cell.backward(dy.copy(), None, copy.deepcopy(cache))
    zero = cell.backward(dy.copy(), tuple(np.zeros_like(d) for d in dstate), copy.deepcopy(cache))
    if not found and _differ(none[0], zero[0]):
        found.append("backward with dstate None is not backward with a dstate of zeros")
    return found


def _wrong_gradients(cell, rng, T):
    """{name: (index, gradient, central difference)} of the first entry that is wrong in every array that is."""
    x, state, params, dy, dstate = inputs_for(cell, rng, T)
    arrays = {"x": x, **params, **{f"state {n}": array for n, array in enumerate(state)}}

    def forward():
        return cell.forward(*copy.deepcopy((x, state, params)))

    def f():
        y, end, _ = forward()
        return float((y * dy).sum() + sum((a * d).sum() for a, d in zip(end, dstate)))

    dx, dstart, grads = cell.backward(*copy.deepcopy((dy, dstate)), forward()[2])
    analytic = {"x": dx, **grads, **{f"state {n}": array for n, array in enumerate(dstart)}}
    wrong = {}
    for name, array in arrays.items():
        numeric = numerical_gradient(f, array)
        if not relative_error(analytic[name], numeric) <= TOLERANCE:
            off = np.abs(analytic[name] - numeric) > TOLERANCE * np.maximum(np.abs(numeric), 1e-3)
            index = tuple(int(n) for n in np.argwhere(off | ~np.isfinite(analytic[name]))[0])
            wrong[name] = index, analytic[name][index], numeric[index]
    return wrong
