"""The time of a training step of the network that reads, beside the same network in PyTorch.

    python -m minirnn.studies.benchmarks.reading_step --threads 2

Both take the same random batch of lines through embeddings, three bidirectional LSTMs, softmax and CTC loss, with
dropout, compute all gradients, clip them and take a step of AdamW. PyTorch uses its fused bidirectional LSTM over
padded sequences, and its own CTC loss.
"""

import statistics
import sys

import numpy as np

from minirnn import backend
from minirnn.arguments import Parser, positive_int
from minirnn.errors import MinirnnError, run_command
from minirnn.networks.reader_rnn import ReaderRNN
from minirnn.studies.benchmarks.timing import take_turns
from minirnn.training import threads
from minirnn.training.optimisers import Adam, clip_by_global_norm

V, CHARACTERS, HEIGHTS, JOIN, LAYERS, HIDDEN, EMBED, DROPOUT = 242, 95, 33, 3, 3, 128, 64, 0.3
LR, CLIP, DECAY = 3e-3, 1.0, 0.01


def random_batch(B, T, U):
    """A batch of B lines of T pen symbols and U characters, all random."""
    rng = np.random.default_rng(0)
    x, height = rng.integers(0, V, (T, B)), rng.integers(0, HEIGHTS, (T, B))
    y, mask = rng.integers(1, 1 + CHARACTERS, (U, B)), np.ones((U, B), bool)
    return {"x": x, "height": height, "lengths": np.full(B, T), "y": y, "mask": mask}


def our_step(chunk, count):
    """A function that does one training step with ``count`` threads."""
    threads.keep_freed_memory()
    network = ReaderRNN(V, CHARACTERS, HEIGHTS, "lstm", LAYERS, HIDDEN, EMBED, JOIN, DROPOUT)
    workers = threads.Workers(count)
    params = backend.flatten(network.params)
    optimiser = Adam(params, weight_decay=DECAY)

    def step():
        states = threads.start(network, chunk, workers)
        rngs = [np.random.default_rng(share) for share in range(count)]
        _, _, grads = threads.loss_and_gradients(network, chunk, states, rngs, workers)
        clip_by_global_norm(grads, CLIP)
        optimiser.step(params, grads, LR)

    return step


def torch_step(chunk, count):
    """The same in PyTorch."""
    import torch

    torch.set_num_threads(count)
    nn = torch.nn
    symbol, height = nn.Embedding(V, EMBED), nn.Embedding(HEIGHTS, EMBED)
    lstm = nn.LSTM(JOIN * EMBED, HIDDEN, LAYERS, dropout=DROPOUT, bidirectional=True)
    dense, drop = nn.Linear(2 * HIDDEN, 1 + CHARACTERS), nn.Dropout(DROPOUT)
    params = [p for module in (symbol, height, lstm, dense) for p in module.parameters()]
    optimiser = torch.optim.AdamW(params, LR, weight_decay=DECAY)
    x, heights, y = (torch.tensor(chunk[name], dtype=torch.long) for name in ("x", "height", "y"))
    T, B = x.shape
    lengths, counts = torch.full((B,), T // JOIN), torch.full((B,), len(y))

    def step():
        optimiser.zero_grad()
        frames = drop(symbol(x) + height(heights)).reshape(T // JOIN, JOIN, B, EMBED)
        frames = frames.transpose(1, 2).reshape(T // JOIN, B, JOIN * EMBED)
        log_p = dense(drop(lstm(frames)[0])).log_softmax(2)
        loss = nn.functional.ctc_loss(log_p, y.T, lengths, counts, reduction="sum") / counts.sum()
        loss.backward()
        nn.utils.clip_grad_norm_(params, CLIP)
        optimiser.step()

    return step


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.studies.benchmarks.reading_step",
        description="Time a training step of the network that reads, beside PyTorch.",
    )
    parser.add_argument("--threads", type=positive_int, default=2)
    parser.add_argument("--batch", type=positive_int, default=32, help="lines (default 32)")
    parser.add_argument("--symbols", type=positive_int, default=399, help="pen symbols of a line (default 399)")
    parser.add_argument("--characters", type=positive_int, default=28, help="of a line (default 28)")
    parser.add_argument("--rounds", type=positive_int, default=7, help="turns, for the median (default 7)")
    options = parser.parse_args(argv)
    if options.symbols % JOIN:
        raise MinirnnError(f"--symbols must be a multiple of {JOIN}")
    chunk = random_batch(options.batch, options.symbols, options.characters)
    steps = {"minirnn": our_step(chunk, options.threads)}
    try:
        steps["PyTorch"] = torch_step(chunk, options.threads)
    except ImportError:
        print("PyTorch is not installed, so minirnn is timed alone")
    found = {name: statistics.median(times) for name, times in take_turns(steps, options.rounds).items()}
    for name, time_taken in found.items():
        print(f"{name:8} {time_taken:.3f} s per step, {options.batch / time_taken:.1f} lines per second")
    if len(found) == 2:
        print(f"ratio    {found['PyTorch'] / found['minirnn']:.2f} times PyTorch's speed")


if __name__ == "__main__":
    sys.exit(run_command(main))
