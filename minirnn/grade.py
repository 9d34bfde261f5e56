"""Grade the exercises: says of each "not yet", "right", or where it goes wrong.

    python -m minirnn.grade tutorials/exercises
    python -m minirnn.grade tutorials/exercises/05_lstm_step_backward.py

Every file runs in a process of its own with a time limit, so that a crash or an endless loop in one exercise leaves
the others alone. Exit code 0 when all are right, 2 when something is left to do.
"""

import sys

from minirnn.arguments import Parser
from minirnn.errors import MinirnnError, run_command
from minirnn.grading.exercise import RIGHT
from minirnn.grading.runner import exercise_files, grade_file, report


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.grade", description="Say of each exercise: not yet, right, or where it goes wrong."
    )
    parser.add_argument("path", help="the folder of the exercises, or one of its files")
    options = parser.parse_args(argv)
    paths = exercise_files(options.path)
    right = 0
    for path in paths:
        verdict, printed = grade_file(path)
        print(report(path.stem, verdict, printed), flush=True)
        right += verdict.state == RIGHT
    if right < len(paths):
        raise MinirnnError(f"{right} of {len(paths)} exercises right; go on with the first that is not")
    print(f"all {len(paths)} right")


if __name__ == "__main__":
    sys.exit(run_command(main))
