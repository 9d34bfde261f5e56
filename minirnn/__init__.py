"""minirnn: a character-level recurrent network, every gradient by hand, that learns handwriting and writes."""

import os
import sys

__version__ = "0.1.0"

if sys.argv[:1] == ["-m"]:  # a command is being loaded, which can be interrupted before it takes care of that itself

    def _one_line(kind, error, trace):
        if issubclass(kind, KeyboardInterrupt):
            print("minirnn: interrupted", file=sys.stderr, flush=True)
            os._exit(130)
        sys.__excepthook__(kind, error, trace)

    sys.excepthook = _one_line
