"""What goes wrong, said in one line, and the exit code of every command.

    0    done
    1    a fault of the program (a traceback is shown, please report it)
    2    the user's input: the message says what, where and what to do
    130  interrupted from the keyboard, or asked to end by SIGTERM: a training saves first
"""

import os
import sys
import traceback


class MinirnnError(Exception):
    """Something the user can mend. The message is one line: what is wrong, where, and what to do."""


class CannotWrite(MinirnnError):
    """A file cannot be written: no room, no permission, no folder."""


def is_text(value):
    """Whether ``value`` is a str that can be written: JSON can spell halves of characters that no file can hold."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def printable(text):
    """``text`` in one line and without control characters, which a stranger's file name may have in it."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in str(text))


def run_command(main, argv=None):
    """Run ``main(argv)`` of a command and return its exit code; ``--debug`` shows the traceback."""
    argv = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in argv
    if hasattr(sys.stdout, "reconfigure"):  # a character that the terminal lacks is no reason to break off
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        main([word for word in argv if word != "--debug"])
    except MinirnnError as error:
        if debug:
            traceback.print_exc()
        print("minirnn:", printable(error), file=sys.stderr)
        return 2
    except MemoryError as error:
        if debug:
            traceback.print_exc()
        print(f"minirnn: out of memory ({error}); use a smaller network, batch or file", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output went away, as in `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it ends
        return 0
    except OSError as error:  # what no part of the program has put into better words
        if debug:
            traceback.print_exc()
        what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or error
        print(f"minirnn: {printable(what)}; check the name, its permissions, and the room on the disk", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interruption:
        print(f"minirnn: interrupted {interruption}".rstrip(), file=sys.stderr)
        return 130
    return 0
