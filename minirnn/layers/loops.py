"""The time loops of the LSTM and of the windowed LSTM on a GPU: all steps of a chunk in one kernel of `loops.cu`.

`minirnn.layers.lstm` and `minirnn.layers.windowed_lstm` have the same loops in plain array code, which is meant to be
read and runs everywhere else. The loops of this module replace them when the arrays are CuPy's, in float32, because
they are faster: a step of a small network takes a few microseconds, and starting one kernel takes longer than that, so
a loop that starts ten kernels per step leaves the GPU idle. Names and letters are those of the two layers.
"""

import functools
import pathlib

import numpy as np

from minirnn import backend

SOURCE = pathlib.Path(__file__).with_name("loops.cu")
WARPS = 16  # per block
THREADS = 32 * WARPS


def on_gpu(x, H, E=0, K=0, U=0):
    """Whether the kernels can be used: ``x`` (T, B, D) is CuPy's and float32, the number of columns of [w, h] is a
    multiple of four, a block has enough threads for a window, and the fast memory of all blocks holds the weights."""
    if not type(x).__module__.startswith("cupy") or x.dtype != np.float32:
        return False
    fours = H % 4 == 0 and E % 4 == 0
    most = max(_fast_memory(name, 2, (1, 1, H, E, U, K))[1] for name in ("forward", "backward"))
    return fours and max(E, 3 * K) <= THREADS and most <= _gpu()["sharedMemPerBlockOptin"]


@functools.cache
def _gpu():
    """The properties of the GPU as CUDA gives them, a dict."""
    import cupy

    return cupy.cuda.runtime.getDeviceProperties(0)


def _fast_memory(name, Q, sizes):
    """How many blocks a kernel has, each on its own multiprocessor of the GPU, and the bytes of fast memory that each
    needs. ``sizes``: T, B, H, E, U, K."""
    _, _, H, E, U, K = sizes
    fours, inputs = (H // 4, E + H) if name == "forward" else ((E + H) // 4, H)  # of columns; rows of 16 weights
    each = -(-fours // _gpu()["multiProcessorCount"])
    partial, scratch = WARPS * 16 * (32 * Q + 4), -(-(3 * THREADS + E + 3 * K + U) // 4) * 4
    return -(-fours // each), 4 * (partial + scratch + each * 16 * inputs)


@functools.cache
def _kernel(name, Q):
    """A kernel of loops.cu, compiled when it is first needed; each of its blocks treats 32 Q sequences at once."""
    import cupy

    options = (f"-DWARPS={WARPS}", f"-DQ={Q}")
    return cupy.RawKernel(SOURCE.read_text(encoding="utf-8"), name, options, enable_cooperative_groups=True)


def _run(name, sizes, columns, first, before, after):
    """Start a kernel, without waiting for it to end.

    sizes    T, B, H, E, U, K
    columns  of the exchange between the blocks, which begins with ``first`` (columns, B) if that is not None
    before   arguments of the kernel before the exchange; after: those after it
    """
    B = sizes[1]
    Q = 1 if B <= 32 else 2
    blocks, fast = _fast_memory(name, Q, sizes)
    width = -(-B // (32 * Q)) * 32 * Q
    x = backend.zeros((2, columns, width), like=before[0])
    if first is not None:
        x[0, :, :B] = first
    arrived = np.zeros(1, np.uint32, like=x)
    call = _kernel(name, Q)
    call.max_dynamic_shared_size_bytes = fast
    integers = [np.int32(n) for n in (*sizes, width)]
    call((blocks,), (THREADS,), (*integers, *before, x, arrived, *after), shared_mem=fast)


def _contiguous(array):
    """The array, or a contiguous copy of it."""
    return np.ascontiguousarray(array, like=array)


def lstm_forward(z, Wh, h, c, tanh_c):
    """The loop of `minirnn.layers.lstm.forward`: z (T, B, 4H) becomes the gates; h and c (T + 1, B, H), whose first
    steps are given, and tanh_c (T, B, H) are filled in; Wh is only read."""
    T, B, H = tanh_c.shape
    _run("forward", (T, B, H, 0, 0, 0), H, h[0].T, [z, Wh, h, c, tanh_c], [z] * 6)  # no window: unused


def lstm_backward(dy, gates, c, tanh_c, Wh, dz, dh, dc):
    """The loop of `minirnn.layers.lstm.backward`: dz (T, B, 4H) is filled in; dh, dc (B, H), the error of the last
    state, become that of the first; dy, gates, c, tanh_c and Wh are only read."""
    T, B, H = tanh_c.shape
    before = [_contiguous(dy), gates, c, tanh_c, Wh, dz, dh, dc]
    _run("backward", (T, B, H, 0, 0, 0), 4 * H, None, before, [dz] * 7)


def windowed_lstm_forward(z, params, C, wh, c, tanh_c, kappa, phi):
    """The loop of `minirnn.layers.windowed_lstm.forward`: z, c, tanh_c as in `lstm_forward`, and wh (T + 1, B, E +
    H) as h there; phi (T, B, U) is filled in, C and kappa (B, K), that of the first state, are only read. -> kappa
    of the last state, and what `windowed_lstm_backward` needs of the windows: exp_z (T, B, 3K), kappa (T + 1, B, K)."""
    T, B, H = tanh_c.shape
    U, E, K = *C.shape[1:], kappa.shape[1]
    exp_z, kappas = backend.empty((T, B, 3 * K), like=z), backend.empty((T + 1, B, K), like=z)
    kappas[0] = kappa
    W = np.concatenate([params["Ww"], params["Wh"]])
    window = [params["W_window"], params["b_window"], _contiguous(C), exp_z, kappas, phi]
    _run("forward", (T, B, H, E, U, K), E + H, wh[0].T, [z, W, wh, c, tanh_c], window)
    return kappas[-1].copy(), (exp_z, kappas)


def windowed_lstm_backward(dh_out, gates, params, C, c, tanh_c, windows, dz, dw, dz_window, dwh, dc, dkappa):
    """The loop of `minirnn.layers.windowed_lstm.backward`: dz, dc as in `lstm_backward`, and dwh (B, E + H) as dh
    there; dw (T, B, E) has the error of the outputs and becomes the whole, dkappa (B, K), that of the last state,
    becomes that of the first, and dz_window (T, B, 3K) is filled in; dh_out, gates, C, c, tanh_c and windows are
    only read."""
    T, B, H = tanh_c.shape
    U, E, K = *C.shape[1:], dkappa.shape[1]
    W = np.concatenate([params["Ww"], params["Wh"]])
    before = [_contiguous(dh_out), gates, c, tanh_c, W, dz, dwh, dc]
    window = [params["W_window"], _contiguous(C), *windows, dw, dkappa, dz_window]
    _run("backward", (T, B, H, E, U, K), 4 * H, None, before, window)
