"""From a checkpoint back to a network: the one place that knows what a checkpoint holds.

`minirnn.networks.checkpoint` reads and writes the file, whatever is in it. These are its keys:

    meta      kind                    "CharRNN", "PenRNN" or "ReaderRNN"
              network                 the keyword arguments of its class
              symbols                 the characters of its vocabulary
              directions, step_length of its pen vocabulary                                   PenRNN, ReaderRNN
              counts, hands, neat_hands, pace  what `minirnn.writing.hands.Writer` needs        PenRNN
              opening                 the first characters of its text: what to begin with       CharRNN
              text, held_out, seed    the data of the run                                     all that were trained
              file of the cell        hash of the file that defines a cell of one's own       CharRNN
              progress, rows          where the run stands, and its log                       all that were trained
    arrays    params.NAME             the weights
              extra.lifts             the lifts of the pen vocabulary                         PenRNN, ReaderRNN
              extra.began.NAME        the weights from which one hand was learned             PenRNN
              moments, mean, state    what training needs to continue                         last.npz

Tasks (`minirnn.training`) write them, `load` and `minirnn.training.trainer.Trainer.load` read them. A file may be a
stranger's: what does not fit together is a `MinirnnError`, and no network is built that is larger than its weights.
"""

import hashlib
import pathlib
import sys
from typing import Any, NamedTuple

import numpy as np

from minirnn.errors import MinirnnError, is_text
from minirnn.ink.vocabularies import CharVocabulary, PenVocabulary
from minirnn.layers import CELLS
from minirnn.networks import checkpoint
from minirnn.networks.char_rnn import CharRNN
from minirnn.networks.pen_rnn import PenRNN
from minirnn.networks.reader_rnn import ReaderRNN

NETWORKS = {network.kind: network for network in (CharRNN, PenRNN, ReaderRNN)}
# The setting with the number of characters, and how many further ids it counts.
CHARACTERS = {"CharRNN": ("V", 0), "PenRNN": ("characters", 1), "ReaderRNN": ("characters", 0)}
SHIPPED_TEXT = pathlib.Path(__file__).parents[1] / "weights" / "text.npz"  # a CharRNN that has learned English prose
CELL_FILE = "file of the cell"
DAMAGE = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, MemoryError)


class Trained(NamedTuple):
    """A trained network, its vocabularies (``pens`` is None for a CharRNN), and the rest of its checkpoint."""

    network: Any
    chars: CharVocabulary
    pens: PenVocabulary | None
    meta: dict
    arrays: dict
    path: pathlib.Path


def file_digest(path):
    """A hash (hex) of what is in the file ``path``."""
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def best(run):
    """The checkpoint of a run: the best one in its folder, or else the last. If ``run`` is a file, that file."""
    path = pathlib.Path(run)
    if path.is_dir():
        path = path / "best.npz" if (path / "best.npz").exists() else path / "last.npz"
    return path


def load(run, kind=None, device="cpu"):
    """The network of ``run``, a folder or a checkpoint -> `Trained`.

    With ``kind`` ("CharRNN", "PenRNN", "ReaderRNN"), all others are refused. Raises `MinirnnError` if the file is
    missing, damaged or of another kind."""
    path = best(run)
    meta, arrays = checkpoint.load(path, kind)
    _check_cell(meta, path)
    try:
        network = _network(meta, arrays, path)
        chars, pens = _vocabularies(meta, arrays, network.settings)
    except DAMAGE as error:
        raise MinirnnError(f"{path} is damaged ({type(error).__name__}: {error}); use another") from None
    return Trained(network.to_device(device), chars, pens, meta, arrays, path)


def _check_cell(meta, path):
    """A network with a cell of somebody's own needs the file that defines it, which no checkpoint can bring. If that
    file has changed since, this is said on standard error."""
    cell = meta["network"].get("cell") if isinstance(meta.get("network"), dict) else None
    if isinstance(cell, str) and cell.isidentifier() and cell not in CELLS:
        raise MinirnnError(f"{path} has a cell of its own, {cell}; say which file defines it: --cell-from {cell}.py")
    if CELL_FILE in meta and isinstance(cell, str) and meta[CELL_FILE] != file_digest(CELLS[cell].__file__):
        print(f"minirnn: {CELLS[cell].__file__} has changed since {path} was trained with it", file=sys.stderr)


def _network(meta, arrays, path):
    """The network itself. Its settings are first compared with the shapes of the weights in the file."""
    params = {name.removeprefix("params."): a for name, a in arrays.items() if name.startswith("params.")}
    network, settings = NETWORKS[meta["kind"]], dict(meta["network"])
    if settings["layers"] > len(params) or network.shapes(**settings) != {name: a.shape for name, a in params.items()}:
        raise ValueError("its settings claim other weights than those that it holds")
    network = network(**settings)
    network.load_params(params, str(path))
    return network


def _vocabularies(meta, arrays, settings):
    """The vocabularies that belong to a network of these ``settings``."""
    symbols, (setting, beside) = meta["symbols"], CHARACTERS[meta["kind"]]
    if not is_text(symbols) or len(set(symbols)) + beside != settings[setting]:
        raise ValueError("its characters do not fit its network")
    if meta["kind"] == CharRNN.kind:
        return CharVocabulary(symbols), None
    directions, step = meta["directions"], meta["step_length"]
    if type(directions) is not int or not 0 < directions < settings["V"] or not 0 < step < np.inf:
        raise ValueError("its steps do not fit its network")
    pens = PenVocabulary(arrays["extra.lifts"], directions, step)
    if len(pens) != settings["V"] or pens.n_heights != settings["heights"]:
        raise ValueError("its pen moves do not fit its network")
    return CharVocabulary(symbols), pens
