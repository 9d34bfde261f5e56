"""Errors as messages of one line, and the exit code of every command.

    0    done
    1    a fault of the program (a traceback is shown, please report it)
    2    the user's input: the message says what, where and what to do
    130  interrupted from the keyboard, or asked to end by SIGTERM: a training saves first
"""

import contextlib
import os
import re
import sys
import traceback

# Characters that move a terminal's cursor, change its title or the direction of writing, or begin a new line unseen.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class MinirnnError(Exception):
    """An error that the user can correct. The message is one line: what is wrong, where, and what to do."""


class CannotWrite(MinirnnError):
    """A file cannot be written, because there is no space, no permission or no folder."""


def is_text(value):
    """Whether ``value`` is a str that can be written: JSON can spell halves of characters that no file can hold."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def printable(text):
    """``text`` in one line and without control characters, which a stranger's file name may contain."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in str(text))


class HarmlessStream:
    """A text stream to the terminal that writes control characters as question marks, since texts that a network
    writes, file names, labels and the output of a student's program may come from a stranger. Line ends and tabs stay,
    and so do the characters in ``allowed``."""

    def __init__(self, stream, allowed=""):
        self._stream, self._allowed = stream, allowed

    @property
    def trusted(self):
        """The stream itself, for control characters of our own."""
        return self._stream

    def write(self, text):
        """Write ``text``, as any stream does."""
        return self._stream.write(CONTROL.sub(lambda found: found[0] if found[0] in self._allowed else "?", text))

    def writelines(self, lines):
        """Write each of ``lines``."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name):
        return getattr(self._stream, name)


def run_command(main, argv=None):
    """Run ``main(argv)`` of a command and return its exit code; ``--debug`` shows the traceback."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if hasattr(sys.stdout, "reconfigure"):  # a character that the terminal lacks is no reason to stop
        sys.stdout.reconfigure(errors="backslashreplace")
    out, err = HarmlessStream(sys.stdout), HarmlessStream(sys.stderr, allowed="\r")  # with which a bar begins anew
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        return _exit_code(main, [word for word in argv if word != "--debug"], "--debug" in argv)


def _exit_code(main, argv, debug):
    """The exit code of ``main(argv)``; its error message is printed first."""
    try:
        main(argv)
        return 0
    except BrokenPipeError:  # the program that reads our output has ended, as in `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it ends
        return 0
    except KeyboardInterrupt as interruption:
        print(f"minirnn: interrupted {interruption}".rstrip(), file=sys.stderr)
        return 130
    except (MinirnnError, MemoryError, OSError) as error:
        if debug:
            traceback.print_exc()
        print("minirnn:", printable(_words(error)), file=sys.stderr)
        return 2
    except Exception:
        traceback.print_exc()
        return 1


def _words(error):
    if isinstance(error, MemoryError):
        return f"out of memory ({error}); use a smaller network, batch or file"
    if isinstance(error, OSError):  # an error for which no part of the program has a better message
        what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or error
        return f"{what}; check the name, its permissions, and the space on the disk"
    return error
