"""`pytest -n auto` runs the tests in one process for every core: each then makes its products on one core alone, for
processes that want all of them wait for each other many times as long as they compute."""

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # before anything loads NumPy
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
