"""Trainings so small that they take a moment, for the tests of the training loop and of the commands."""

import json

import numpy as np

from minirnn.datasets import Sample
from minirnn.datasets.line_batches import LineBatches, ValidationLines
from minirnn.datasets.text import TextStreams, ValidationText
from minirnn.ink.strokes import normalise
from minirnn.ink.vocabularies import CharVocabulary, PenVocabulary
from minirnn.networks import checkpoint
from minirnn.networks.char_rnn import CharRNN
from minirnn.networks.pen_rnn import PenRNN
from minirnn.training.settings import TrainingSettings
from minirnn.training.trainer import Trainer

TINY = {"steps": 24, "evaluations": 4, "lr": 0.01, "patience": 0, "threads": 1}
SMALL = ["--hidden", "6", "--embed", "3", "--batch", "4", "--steps-per-chunk", "8", "--threads", "1"]


def made_text(length=900):
    """Words that repeat in no simple order: there is something to learn."""
    rng = np.random.default_rng(0)
    words = ["tea", "at", "eat", "a", "net", "ten"]
    return " ".join(rng.choice(words, length))[:length]


def made_samples(count=12):
    """Lines of made-up handwriting: one wave a letter, a lift between words."""
    rng, samples = np.random.default_rng(1), []
    for n in range(count):
        words = ["".join(rng.choice(list("abc"), k)) for k in rng.integers(1, 4, 2)]
        strokes, x = [], 0.0
        for word in words:
            t = np.linspace(0, len(word), 12 * len(word))
            strokes.append(np.column_stack([x + 2 * t, np.sin(2 * np.pi * t) * rng.uniform(0.8, 1.2)]))
            x += 2 * len(word) + 1.5
        samples.append(Sample(" ".join(words), strokes, f"form {n // 2}"))
    return samples


def write_hand(path):
    """The made-up handwriting as a file of JSON lines."""
    lines = [
        json.dumps({"text": s.text, "strokes": [stroke.tolist() for stroke in s.strokes], "group": s.group})
        for s in made_samples()
    ]
    path.write_text("\n".join(lines), encoding="utf-8")


def text_trainer(run, cell="lstm", dropout=0.3, sample=None, **options):
    """A `Trainer` over `made_text` in the folder ``run``."""
    run.mkdir(exist_ok=True)
    text = made_text()
    training, validation = text[: len(text) * 4 // 5], text[len(text) * 4 // 5 :]
    vocabulary = CharVocabulary(training)
    network = CharRNN(len(vocabulary), cell, layers=2, hidden=6, embed=3, dropout=dropout, seed=1)
    data = TextStreams(vocabulary.encode(training), 4, 8, seed=1)
    judge = ValidationText(vocabulary.encode(validation), 4, 16)
    settings = TrainingSettings(**{**TINY, **options})
    return Trainer(network, data, judge, settings, run, {"symbols": vocabulary.symbols}, sample)


def hand_trainer(run, **options):
    """A `Trainer` over `made_samples` in the folder ``run``."""
    run.mkdir(exist_ok=True)
    samples, chars = made_samples(), CharVocabulary("abc ")
    pens = PenVocabulary.fit_lifts([normalise(s.strokes) for s in samples], count=4, directions=8, step=0.5)
    hands = {f"form {n}": n + 1 for n in range(4)}
    data = LineBatches(samples[:8], chars, pens, hands, B=3, T=12, seed=1, curriculum=1)
    judge = ValidationLines(samples[8:], chars, pens, B=3, T=12)
    network = PenRNN(len(pens), len(chars) + 1, pens.n_heights, hands=5, hidden=6, embed=3, char_embed=2, gaussians=2,
                     dropout=0.3, seed=1)  # fmt: skip
    settings = TrainingSettings(**{**TINY, **options})
    return Trainer(network, data, judge, settings, run, {}, extra={"lifts": pens.lifts})


def weights(path):
    """{name: bytes} of every array of a checkpoint: weights, moments, means, states."""
    return {name: array.tobytes() for name, array in checkpoint.load(path)[1].items()}
