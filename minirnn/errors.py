"""What goes wrong, said in one line, and the exit code of every command.

    0    done
    1    a fault of the program (a traceback is shown, please report it)
    2    the user's input: the message says what, where and what to do
    130  interrupted from the keyboard
"""

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
        print(f"minirnn: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("minirnn: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output went away, as in `... | head`
        sys.stderr.close()
        return 0
    return 0
