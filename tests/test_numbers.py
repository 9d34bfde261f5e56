"""Numbers stay sane: what is extreme, empty, tiny or half as precise is learned from, or left out and counted; and no
number that is not finite ends up in a checkpoint."""

import numpy as np
import pytest
from layer_calls import pen_chunk, small_pen_rnn
from small_runs import hand_trainer, made_samples, text_trainer

from minirnn import backend
from minirnn.datasets import Sample
from minirnn.datasets.line_batches import LineBatches, ValidationLines
from minirnn.errors import MinirnnError
from minirnn.ink.strokes import normalise
from minirnn.ink.vocabularies import CharVocabulary, PenVocabulary
from minirnn.layers import CELLS, softmax_cross_entropy
from minirnn.networks import checkpoint
from minirnn.networks.char_rnn import CharRNN
from minirnn.networks.pen_rnn import PenRNN
from minirnn.training import run_folder
from minirnn.training import trainer as training
from minirnn.training.settings import TrainingSettings
from minirnn.training.trainer import Trainer

LARGEST = float(np.finfo(np.float32).max)


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.setattr(run_folder, "loss_curve", lambda path, rows: None)


def finite(tree):
    found = []
    backend.tree_map(lambda a: found.append(np.isfinite(a).all()), tree)
    return all(found)


def assert_sane(trainer):
    """All that a run holds and has written is finite."""
    assert finite([trainer.params, trainer.optimiser.moments(), trainer.states])
    for path in trainer.run.glob("*.npz"):
        assert finite(checkpoint.load(path)[1])


# --- logits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("z", [[88.0, -88, 0], [1e4, 1e4, -1e4], [1e-45, 0, 0], [LARGEST / 2, 0, -LARGEST / 2]])
def test_extreme_logits(z):
    z = np.array([z], np.float32)
    for target in range(3):
        loss, cache = softmax_cross_entropy.forward(z, np.array([target]))
        dz = softmax_cross_entropy.backward(cache)
        assert np.isfinite(loss) and np.isfinite(dz).all()
        assert loss == pytest.approx(np.logaddexp.reduce(z[0].astype(float)) - float(z[0, target]), rel=1e-6, abs=1e-6)


def test_logits_too_far_apart_for_any_number_are_no_silent_zero():
    with np.errstate(over="ignore"):
        loss, _ = softmax_cross_entropy.forward(np.array([[LARGEST, -LARGEST]], np.float32), np.array([1]))
    assert loss == np.inf  # which the training loop leaves out


# --- weights ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(CELLS))
@pytest.mark.parametrize("scale", [1e3, 1e18, 1e37])
def test_weights_of_any_size_give_a_step_or_are_left_out(tmp_path, kind, scale):
    """Exploding gradients: what cannot be clipped, since it is not finite, is skipped and counted."""
    trainer = text_trainer(tmp_path, cell=kind, optimiser="sgd", steps=8, evaluations=1)
    for name, a in trainer.params.items():
        if name.endswith(("Wh", "softmax.W")):
            a *= np.float32(scale)
    assert finite(trainer.params)
    trainer.progress.total = 8
    with np.errstate(all="ignore"):
        for _ in range(8):
            loss, norm = trainer.step()
            assert (trainer.progress.skipped_in_a_row > 0) != bool(np.isfinite(loss) and np.isfinite(norm))
            assert_sane(trainer)


def test_weights_that_explode_end_the_run_with_its_last_good_state(tmp_path):
    """A learning rate not of this world: the loss overflows sooner or later, and what was saved before is sane."""
    trainer = text_trainer(tmp_path, optimiser="sgd", lr=1e37, clip=10.0, warmup=0, steps=60, evaluations=6)
    with np.errstate(all="ignore"), pytest.raises(MinirnnError, match="not finite"):
        trainer.train()
    for path in tmp_path.glob("*.npz"):
        assert finite(checkpoint.load(path)[1])


def test_no_checkpoint_takes_what_is_not_finite(tmp_path):
    checkpoint.save(tmp_path / "x.npz", {"kind": "CharRNN"}, {"a": np.ones(3)})
    for value in (np.nan, np.inf, np.float16(np.inf)):
        with pytest.raises(MinirnnError, match=r"x\.npz is not written: b holds numbers that are not finite"):
            checkpoint.save(tmp_path / "x.npz", {"kind": "CharRNN"}, {"a": np.zeros(3), "b": np.array([1, value])})
    assert checkpoint.load(tmp_path / "x.npz")[1]["a"].all()


def test_weights_of_half_precision(tmp_path):
    """They are read into the network's own precision, lose three digits, and can be trained on."""
    network = CharRNN(9, "lstm", 2, 16, 8, seed=1)
    flat = backend.flatten(network.params)
    half = {name: a.astype(np.float16) for name, a in flat.items()}
    checkpoint.save(tmp_path / "half.npz", {"kind": "CharRNN"}, half)
    chunk = {name: np.random.default_rng(0).integers(0, 9, (20, 4)) for name in "xy"}
    loss = network.loss(chunk, network.start(4))[0]
    network.load_params(checkpoint.load(tmp_path / "half.npz")[1])
    again, state, cache = network.loss(chunk, network.start(4))
    assert {a.dtype for a in backend.flatten(network.params).values()} == {np.dtype(np.float32)}
    assert again != loss and again == pytest.approx(loss, rel=1e-3)
    assert finite([state, network.backward(cache)])


@pytest.mark.parametrize("kind", sorted(CELLS))
def test_a_network_that_computes_in_half_precision(kind):
    """Nothing that is in reach of its numbers overflows on the way."""
    network = CharRNN(9, kind, 2, 16, 8, seed=1, dtype=np.float16)
    chunk = {name: np.random.default_rng(0).integers(0, 9, (40, 4)) for name in "xy"}
    loss, state, cache = network.loss(chunk, network.start(4))
    assert np.isfinite(loss) and finite([state, network.backward(cache)])


# --- batches ----------------------------------------------------------------------------------------------------


def test_a_batch_in_which_nothing_counts(tmp_path):
    """Loss 0, gradient 0; the weights stay but for what Adam's moments still push them."""
    network, chunk = small_pen_rnn(2), pen_chunk(np.random.default_rng(0))
    chunk["mask"][:] = False
    loss, state, cache = network.loss(chunk, network.start(3))
    gradients = backend.flatten(network.backward(cache))
    assert loss == 0 and finite(state) and not any(g.any() for g in gradients.values())
    trainer = hand_trainer(tmp_path, optimiser="sgd", threads=2)
    whole = trainer.data.chunk

    def masked(epoch, index):
        fresh, chunk = whole(epoch, index)
        return fresh, {**chunk, "mask": np.zeros_like(chunk["mask"])}

    trainer.data.chunk = masked
    before = {name: a.copy() for name, a in trainer.params.items()}
    trainer.progress.total = 24
    for _ in range(3):
        assert trainer.step() == (0, 0)
    assert trainer.progress.skipped == 0
    assert all(np.array_equal(before[name], a) for name, a in trainer.params.items())


def test_validation_in_which_nothing_counts(tmp_path):
    trainer = text_trainer(tmp_path)
    chunks = [(fresh, {**chunk, "mask": np.zeros_like(chunk["mask"])}) for fresh, chunk in trainer.validation]
    assert training.evaluate(trainer.network, chunks) == 0


def test_lines_of_a_single_dot_beside_whole_ones(tmp_path):
    """The shortest line that there is: one point, one character. BEGIN, a lift, END: two steps."""
    dots = [Sample("i", [np.array([[3.0, 4.0]])], f"form {n}") for n in range(5)]
    samples, chars = [*dots, *made_samples()], CharVocabulary("abci ")
    pens = PenVocabulary.fit_lifts([normalise(s.strokes) for s in samples], count=4, directions=8, step=0.5)
    hands = {f"form {n}": n + 1 for n in range(4)}
    for chosen in (samples, dots):
        data = LineBatches(chosen, chars, pens, hands, B=3, T=12, seed=1)
        judge = ValidationLines(chosen[:4], chars, pens, B=3, T=12)
        network = PenRNN(len(pens), len(chars) + 1, pens.n_heights, hands=5, hidden=6, embed=3, char_embed=2,
                         gaussians=2, dropout=0.3, seed=1)  # fmt: skip
        tmp_path.joinpath(str(len(chosen))).mkdir()
        settings = TrainingSettings(steps=9, evaluations=3, threads=1)
        trainer = Trainer(network, data, judge, settings, tmp_path / str(len(chosen)), {})
        progress = trainer.train()
        assert progress.skipped == 0 and np.isfinite(progress.best)
        assert_sane(trainer)
    assert data.lengths.min() == 2
