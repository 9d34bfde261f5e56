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


def run_command(main, argv=None):
    """Run ``main(argv)`` of a command and return its exit code; ``--debug`` shows the traceback."""
    argv = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in argv
    try:
        main([word for word in argv if word != "--debug"])
    except MinirnnError as error:
        if debug:
            traceback.print_exc()
        print("minirnn:", " ".join(str(error).split("\n")), file=sys.stderr)
        return 2
    except MemoryError as error:
        if debug:
            traceback.print_exc()
        print(f"minirnn: out of memory ({error}); use a smaller network, batch or file", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interruption:
        print(f"minirnn: interrupted {interruption}".rstrip(), file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output went away, as in `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it ends
        return 0
    return 0
