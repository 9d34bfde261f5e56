"""Files and folders: writing them so that nothing is ever half-written."""

import contextlib
import functools
import os
import pathlib
import secrets
import stat

import portalocker

from minirnn.errors import CannotWrite

HALF_WRITTEN = ".minirnn-*.tmp"  # files that are being written, or whose writer was killed


def is_file(path):
    """Whether there is such a file; a name that no file can have (too long, or with a zero byte) is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def make_folder(path):
    """Make the folder ``path``, and those above it, unless they are there. `CannotWrite` says why this cannot be
    done."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"cannot make the folder {path}: {error.strerror}; choose another") from None


@contextlib.contextmanager
def atomic(path, mode="w", **options):
    """Open a temporary file beside ``path`` for writing and put it in the place of ``path`` at the end, in one
    step; if anything goes wrong, ``path`` stays as it was. A full disk or a read-only folder is a `CannotWrite`.

    A file that was there keeps its permissions, a new one has those that the user's umask grants. If ``path`` is a
    symbolic link, the file to which it points is written.
    """
    path = pathlib.Path(path)
    if mode == "w":
        # A file name need not be Unicode, and still has to be printed.
        options = {"encoding": "utf-8", "errors": "backslashreplace", **options}
    try:
        target = pathlib.Path(os.path.realpath(path))
        before = target.stat() if target.exists() else None
        if before and not stat.S_ISREG(before.st_mode):
            raise CannotWrite(f"cannot write {path}: it is there and is no file; choose another name")
        clear_once(target.parent)
        # The name does not grow with that of the target, which may be as long as the system allows.
        temporary = target.with_name(HALF_WRITTEN.replace("*", secrets.token_hex(8)))
        permissions = stat.S_IMODE(before.st_mode) if before else 0o666
        handle = _create(temporary, permissions)
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {error.strerror}; choose a folder that can be written") from None
    try:
        with os.fdopen(handle, mode, **options) as file:
            _keep_permissions(handle, before, permissions)
            with contextlib.suppress(OSError, portalocker.LockException):  # not every file system has locks
                portalocker.lock(file, portalocker.LOCK_EX | portalocker.LOCK_NB)
            yield file
            file.flush()
            os.fsync(handle)
            if os.name != "nt":  # before it is closed, which unlocks it; Windows cannot move an open file
                os.replace(temporary, target)
        if os.name == "nt":
            os.replace(temporary, target)
        _sync_folder(target.parent)
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {error.strerror or error}; nothing was changed") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _create(path, permissions):
    """A new file, open for writing -> its number."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), permissions)


def _keep_permissions(handle, before, permissions):
    """Give the open file the group and the permissions of the file that was there, as far as this is permitted."""
    if before is None or not hasattr(os, "fchmod"):
        return
    try:
        if os.fstat(handle).st_gid != before.st_gid:
            os.fchown(handle, -1, before.st_gid)
    except OSError:
        permissions &= ~stat.S_IRWXG  # they were meant for another group
    os.fchmod(handle, permissions)


def _sync_folder(folder):
    """Make the new name of the file survive a power cut, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def clear_half_written(folder):
    """Remove what writers that were killed have left in ``folder``; those that are at work hold a lock."""
    for path in pathlib.Path(folder).glob(HALF_WRITTEN):
        with contextlib.suppress(OSError, portalocker.LockException), open(path, "r+b") as file:
            portalocker.lock(file, portalocker.LOCK_EX | portalocker.LOCK_NB)
            if os.name != "nt":
                path.unlink()
        if os.name == "nt":
            with contextlib.suppress(OSError):
                path.unlink()


@functools.cache
def clear_once(folder):
    """`clear_half_written`, but only the first time that this process writes into ``folder``."""
    clear_half_written(folder)
