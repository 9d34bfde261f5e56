"""The machine on which figures were measured."""

import os
import pathlib
import platform

import numpy as np
from threadpoolctl import threadpool_info

from minirnn.cores import available_cores


def describe_machine(device="cpu"):
    """The processor, the libraries and the load: {name: text}."""
    blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
    facts = {
        "processor": f"{processor()}, {available_cores()} cores granted",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "NumPy": np.__version__,
        "BLAS": ", ".join(sorted({f"{b['internal_api']} {b['version']} {b.get('architecture', '')}" for b in blas})),
        "PyTorch": pytorch_version(),
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()) if hasattr(os, "getloadavg") else "not known",
    }
    if device == "gpu":
        import cupy

        properties = cupy.cuda.runtime.getDeviceProperties(0)
        facts["GPU"] = f"{properties['name'].decode()}, CuPy {cupy.__version__}"
    return facts


def processor():
    """The name of the processor, as it gives it itself."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    names = {name.strip(): value.strip() for name, value in fields.items()}
    name = names.get("model name", platform.machine())
    return f"{name} (family {names.get('cpu family')}, model {names.get('model')})"


def pytorch_version():
    """The version as a text, or "not installed"."""
    try:
        import torch
    except ImportError:
        return "not installed"
    return torch.__version__
