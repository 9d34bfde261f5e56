"""Writing files so that nothing is ever half-written, and finding the newest sample of a run."""

import contextlib
import os
import pathlib
import tempfile

from minirnn.errors import CannotWrite


@contextlib.contextmanager
def atomic(path, mode="w", **options):
    """Open a temporary file beside ``path`` for writing and put it in the place of ``path`` at the end, in one
    step; if anything goes wrong, ``path`` stays as it was. A full disk or a read-only folder is a `CannotWrite`.
    """
    path = pathlib.Path(path)
    if mode == "w":
        # A file name need not be Unicode, and may still be written about.
        options = {"encoding": "utf-8", "errors": "backslashreplace", **options}
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {error.strerror}; choose a folder that can be written") from None
    try:
        with os.fdopen(handle, mode, **options) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {error.strerror or error}; nothing was changed") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def newest_sample(run, pattern):
    """The newest sample in the folder of a run whose name fits ``pattern``, a `pathlib.Path`."""
    return max((run / "samples").glob(pattern))
