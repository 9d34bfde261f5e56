"""Grade the exercises: says of each "not yet", "right", or where it goes wrong.

    python -m minirnn.grade tutorials/exercises
    python -m minirnn.grade tutorials/exercises/08_lstm_step_backward.py
    python -m minirnn.grade --hint lstm_step_backward 1     # an idea; 2 says more, 3 gives the equations
    python -m minirnn.grade students --csv > marks.csv      # a folder that holds one folder per student
    python -m minirnn.grade --capstone tutorials/exercises/my_lstm.py    # your functions learn to write

Every file runs in a process of its own with a time limit, so that a crash or an endless loop in one exercise leaves
the others alone. Exit code 0 when all are right, 2 when something is left to do.
"""

import sys
import textwrap

from minirnn.arguments import Parser, above_zero
from minirnn.errors import MinirnnError, run_command
from minirnn.grading import NAMES, exercise_named, name_of
from minirnn.grading.judge import RIGHT
from minirnn.grading.runner import WIDTH, exercise_files, grade_files, report
from minirnn.grading.students import write_marks


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.grade", description="Say of each exercise: not yet, right, or where it goes wrong."
    )
    parser.add_argument("path", nargs="?", help="the folder of the exercises, or one of its files")
    parser.add_argument("--hint", nargs=2, metavar=("EXERCISE", "STAGE"),
                        help="print hint 1, 2 or 3 of an exercise, such as --hint rnn_backward 1")  # fmt: skip
    parser.add_argument(
        "--csv", action="store_true", help="PATH holds one folder per student: print a table of all of them"
    )
    parser.add_argument("--capstone", metavar="CELL", help="train a network of this cell, such as my_lstm.py")
    parser.add_argument("--minutes", type=above_zero, default=3, help="for which the capstone trains each network (3)")
    options = parser.parse_args(argv)
    if options.capstone:
        from minirnn.grading.capstone import capstone  # what trains and writes takes a second to load

        capstone(options.capstone, options.minutes)
    elif options.hint:
        print(textwrap.fill(hint(*options.hint), WIDTH))
    elif options.path is None:
        raise MinirnnError("nothing to grade; give the folder of the exercises, such as tutorials/exercises")
    elif options.csv:
        write_marks(options.path, sys.stdout)
    else:
        grade(exercise_files(options.path))


def hint(exercise, stage):
    """The text of a hint; ``exercise`` is a name or a file, ``stage`` "1", "2" or "3"."""
    name = name_of(f"{exercise.removesuffix('.py')}.py")
    if name is None:
        raise MinirnnError(f"there is no exercise {exercise}; there are {', '.join(NAMES)}")
    if stage not in ("1", "2", "3"):
        raise MinirnnError(f"there is no hint {stage}; there are 1, 2 and 3, which says most")
    return exercise_named(name).hints[int(stage) - 1]


def grade(paths):
    """Print the verdict on every file; MinirnnError where something is left to do."""
    right = 0
    for path, (verdict, printed) in zip(paths, grade_files(paths)):
        print(report(path.stem, verdict, printed), flush=True)
        right += verdict.state == RIGHT
    if right < len(paths):
        raise MinirnnError(f"{right} of {len(paths)} exercises are right; continue with the first that is not")
    print(f"all {len(paths)} right")


if __name__ == "__main__":
    sys.exit(run_command(main))
