"""The time loops for a GPU (`minirnn/layers/loops.cu`) against the plain ones, to the rounding of float32.

The kernels themselves are run, on a CPU: a C++ compiler makes them with `cuda_on_cpu.h`, every thread of CUDA being one
of the system. So what a GPU would compute is tested where there is none; only its speed, and its memory's, is not.
"""

import ctypes
import re
import shutil
import subprocess

import numpy as np
import pytest

from minirnn.layers import loops, lstm, windowed_lstm

HERE = loops.pathlib.Path(__file__).parent
WARPS = 2  # of a block, to have few threads

NO_COMPILER = "g++ compiles a GPU's loops for the CPU, and is not here"
pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason=NO_COMPILER)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The kernels in a library, {Q: library}."""
    source = loops.SOURCE.read_text(encoding="utf-8")
    for cuda, here in [
        ("extern __shared__ float fast[];", "float *fast = shared_memory;"),
        ("times * gridDim.x) continue;", "times * gridDim.x) std::this_thread::yield();"),
    ]:
        assert cuda in source
        source = source.replace(cuda, here)
    source = f'#include "{HERE / "cuda_on_cpu.h"}"\n{source}'
    for name, arguments in re.findall(r"__launch_bounds__\(THREADS, 1\)\s+(\w+)\(([^)]*)\)", source):
        types = [re.sub(r"\w+$", "", argument.strip()) for argument in arguments.split(",")]
        call = ", ".join(f"({kind})a[{n}]" for n, kind in enumerate(types))
        source += f'extern "C" void run_{name}(unsigned blocks, unsigned threads, unsigned bytes, long long *a) '
        source += f"{{ launch(blocks, threads, bytes, [&] {{ {name}({call}); }}); }}\n"
    folder, libraries = tmp_path_factory.mktemp("loops"), {}
    (folder / "loops.cpp").write_text(source, encoding="utf-8")
    for Q in (1, 2):
        command = ["g++", "-std=c++20", "-O1", "-pthread", "-shared", "-fPIC", "-w", f"-DWARPS={WARPS}", f"-DQ={Q}"]
        subprocess.run([*command, "-o", folder / f"{Q}.so", folder / "loops.cpp"], check=True)
        libraries[Q] = ctypes.CDLL(str(folder / f"{Q}.so"))
    return libraries


@pytest.fixture
def kernels(compiled, monkeypatch):
    """The layers use the kernels, though their arrays are NumPy's; yields the names of the kernels that were run."""
    ran = []

    def kernel(name, Q):
        def call(blocks, threads, arguments, shared_mem):
            for a in arguments:
                assert isinstance(a, np.int32) or a.flags.c_contiguous
            values = [int(a) if isinstance(a, np.int32) else a.ctypes.data for a in arguments]
            ran.append(name)
            run = getattr(compiled[Q], f"run_{name}")
            run(*blocks, *threads, shared_mem, (ctypes.c_longlong * len(values))(*values))

        return call

    monkeypatch.setattr(loops, "_kernel", kernel)
    monkeypatch.setattr(loops, "WARPS", WARPS)
    monkeypatch.setattr(loops, "THREADS", 32 * WARPS)
    monkeypatch.setattr(loops, "_gpu", lambda: {"multiProcessorCount": 3})
    monkeypatch.setattr(loops, "on_gpu", lambda x, *sizes: bool(ran) or ran.append("begun") is None)
    return ran


def both(monkeypatch, kernels, call):
    """What ``call()`` gives by the kernels, and without them."""
    by_kernels = call()
    with monkeypatch.context() as plain:
        plain.setattr(loops, "on_gpu", lambda *sizes: False)
        return by_kernels, call()


def assert_close(found, expected):
    """Every array to the rounding of float32, relative to the largest number in it."""
    for a, b in zip(leaves(found), leaves(expected), strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-6 * max(1.0, np.abs(b).max()))


def leaves(tree):
    if isinstance(tree, dict):
        tree = list(tree.values())
    return [tree] if isinstance(tree, np.ndarray) else [leaf for part in tree for leaf in leaves(part)]


@pytest.mark.parametrize("T, B, D, H", [(3, 2, 5, 8), (1, 1, 3, 4), (4, 35, 6, 12), (2, 70, 4, 4), (5, 32, 3, 20)])
def test_lstm(monkeypatch, kernels, T, B, D, H):
    rng = np.random.default_rng(T)
    params = lstm.init(rng, D, H)
    x, dy = (rng.standard_normal((T, B, n)).astype(np.float32) for n in (D, H))
    state, dstate = (tuple(rng.standard_normal((2, B, H)).astype(np.float32)) for _ in range(2))

    def call():
        y, new, cache = lstm.forward(x, state, params)
        return y, new, lstm.backward(dy, dstate, cache), lstm.backward(dy[:, :, ::1], None, cache)

    assert_close(*both(monkeypatch, kernels, call))
    assert kernels == ["begun", "forward", "backward", "backward"]


@pytest.mark.parametrize(
    "T, B, D, E, H, K, U",
    [(3, 2, 5, 4, 8, 3, 6), (1, 1, 3, 8, 4, 1, 1), (4, 35, 6, 4, 12, 2, 70), (2, 70, 4, 12, 4, 8, 9),
     (6, 5, 2, 4, 16, 5, 3)],
)  # fmt: skip
def test_reader(monkeypatch, kernels, T, B, D, E, H, K, U):
    rng = np.random.default_rng(T)
    params = windowed_lstm.init(rng, D, E, H, K, 0.3)
    x, dh, dw = (rng.standard_normal((T, B, n)).astype(np.float32) for n in (D, H, E))
    C = rng.standard_normal((B, U, E)).astype(np.float32)
    state, dstate = (
        tuple(rng.standard_normal((B, n)).astype(np.float32) for n in (H, H, K, E)) for _ in range(2)
    )

    def call():
        h, w, phi, new, cache = windowed_lstm.forward(x, C, state, params)
        backward = windowed_lstm.backward
        return h, w, phi, new, backward(dh, dw, dstate, cache), backward(dh, dw, None, cache)

    assert_close(*both(monkeypatch, kernels, call))
    assert kernels == ["begun", "forward", "backward", "backward"]


def test_only_float32_arrays_of_a_gpu_take_this_way():
    assert not loops.on_gpu(np.zeros(3, np.float32), 8)
