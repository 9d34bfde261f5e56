"""The process in which one student's file runs, so that a crash or an endless loop in it harms nothing else.

    python -m minirnn.grading.child FILE SECONDS

prints the verdict as the last line, in JSON. What the file prints is caught and goes into the verdict. If it is not
done after SECONDS of computing, the interpreter says on stderr in which line it was and ends.
"""

import contextlib
import faulthandler
import io
import json
import os
import pathlib
import sys
import threading
import time
import types

from minirnn.grading import exercise_of
from minirnn.grading.exercise import WRONG, Verdict, describe_error, judge

MEMORY = 4 * 2**30  # bytes that a student's file may take
PRINTED = 2000  # characters of its printing that are kept
PATIENCE = 20  # times SECONDS by the clock, for a file that waits and computes nothing


class FirstWords(io.StringIO):
    """Keeps the first characters that are written, so that a loop that prints does not fill the memory."""

    def write(self, text):
        """Keep what still fits of ``text``; returns its whole length, as a file does."""
        super().write(text[: PRINTED - self.tell()])
        return len(text)


def limit_memory():
    """Where the system can, let a file that asks for ever more memory fail instead of the machine."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def limit_time(seconds):
    """End the process, with a traceback on stderr, after ``seconds`` of computing. They are not counted by the clock:
    on a busy machine a right answer may have to wait."""
    end = time.process_time() + seconds

    def watch():
        while time.process_time() < end:
            time.sleep(0.05)
        print("Timeout", file=sys.__stderr__, flush=True)
        faulthandler.dump_traceback(sys.__stderr__)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    faulthandler.dump_traceback_later(PATIENCE * seconds, exit=True)


def load_function(path, name):
    """Run the file ``path`` and return its function ``name``; a `Verdict` if there is none."""
    try:
        code = compile(path.read_bytes(), str(path), "exec")
    except (SyntaxError, ValueError) as error:
        line = f"line {error.lineno}: " if getattr(error, "lineno", None) else ""
        return Verdict(WRONG, f"it is not Python: {line}{getattr(error, 'msg', error)}")
    module = types.ModuleType(path.stem)
    module.__file__ = str(path)
    sys.modules[path.stem] = module
    sys.path.append(str(path.parent))
    try:
        exec(code, module.__dict__)
    except (Exception, SystemExit) as error:
        return Verdict(WRONG, f"the file cannot be loaded: {describe_error(error, path)}")
    function = getattr(module, name, None)
    if not isinstance(function, types.FunctionType):
        return Verdict(WRONG, f"it has no function {name}; keep the name that it was handed out with")
    return function


def main():
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    path, seconds = pathlib.Path(sys.argv[1]), float(sys.argv[2])
    exercise = exercise_of(path.name)
    limit_memory()
    faulthandler.enable()
    limit_time(seconds)
    printed = FirstWords()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        verdict = load_function(path, exercise.function)
        if not isinstance(verdict, Verdict):
            verdict = judge(exercise, verdict)
    print(json.dumps({"state": verdict.state, "words": verdict.words, "mistakes": verdict.mistakes,
                      "printed": printed.getvalue()}))  # fmt: skip
    sys.stdout.flush()
    os._exit(0)  # whatever threads the file has left behind


if __name__ == "__main__":
    main()
