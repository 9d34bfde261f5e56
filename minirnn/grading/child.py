"""The process in which one student's file runs, so that a crash or an endless loop in it harms nothing else.

    python -m minirnn.grading.child FILE SECONDS

prints the verdict as the last line, in JSON. Whatever the file prints, through Python or straight to a descriptor,
goes to stderr. If it is not done after SECONDS of computing, the interpreter says in which line it was and ends.
"""

import contextlib
import faulthandler
import json
import os
import pathlib
import sys
import threading
import time
import types

from minirnn.grading import exercise_named, name_of
from minirnn.grading.description import describe_error
from minirnn.grading.judge import WRONG, Verdict, judge

MEMORY = 4 * 2**30  # bytes that a student's file may take
PATIENCE = 20  # times SECONDS by the clock, for a file that waits and computes nothing


def limit_memory():
    """Where the system can, let a file that asks for ever more memory fail instead of the machine."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def limit_time(seconds, report):
    """End the process, with a traceback in the file ``report``, after ``seconds`` of computing. They are not counted by
    the clock: on a busy machine a right answer may have to wait."""
    end = time.process_time() + seconds

    def watch():
        while time.process_time() < end:
            time.sleep(0.05)
        print("Timeout", file=report, flush=True)
        faulthandler.dump_traceback(report)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    faulthandler.dump_traceback_later(PATIENCE * seconds, exit=True, file=report)


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
    """Grade the file that the command line names, within the seconds that it gives."""
    path, seconds = pathlib.Path(sys.argv[1]), float(sys.argv[2])
    # The verdict keeps the pipe that was stdout for itself; for everybody else stdout is now the same as stderr.
    report = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    limit_memory()
    faulthandler.enable(report)
    limit_time(seconds, report)
    exercise = exercise_named(name_of(path.name))
    verdict = load_function(path, exercise.function)
    if not isinstance(verdict, Verdict):
        verdict = judge(exercise, verdict)
    with contextlib.suppress(OSError, ValueError):  # the file may have closed it
        sys.stdout.flush()
    print(json.dumps({"state": verdict.state, "words": verdict.words, "mistakes": verdict.mistakes}), file=report)
    report.flush()
    os._exit(0)  # whatever threads the file has left behind


if __name__ == "__main__":
    main()
