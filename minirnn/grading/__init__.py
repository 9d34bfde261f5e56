"""The grader of ``tutorials/exercises``: what each exercise asks for, and how an answer is judged.

One exercise is one file in `minirnn.grading.exercises`. It has the inputs (``cases``), the right results (``expected``,
from the package's own layers, a gradient by central differences through them), the plain ``solution``, the usual
``MISTAKES`` (for each, what stands in the solution and what is written instead) and three ``HINTS``.
`minirnn.grading.judge` compares, `minirnn.grading.description` finds the words, `minirnn.grading.child` runs one
student's file in a process of its own, and `minirnn.grading.runner` starts that process.
"""

import functools
import importlib
import re

from minirnn.grading.exercise import Exercise, paragraphs, read_mistakes

NAMES = [
    "numerical_gradient",
    "embedding_backward",
    "softmax_cross_entropy",
    "rnn_step",
    "rnn_backward",
    "dropout",
    "lstm_step_forward",
    "lstm_step_backward",
    "lstm_backward",
    "gru_backward",
    "clip_by_global_norm",
    "adam_step",
    "truncated_bptt",
    "sample",
    "window_forward",
    "window_backward",
    "ctc_forward",
    "ctc_backward",
]
FILES = [f"{number:02}_{name}.py" for number, name in enumerate(NAMES, start=1)]


def name_of(file_name):
    """The exercise that a file is about, "04_rnn_step.py" -> "rnn_step", whatever its number; None if there is none."""
    match = re.fullmatch(r"(?:\d+_)?(\w+)\.py", file_name)
    return match[1] if match and match[1] in NAMES else None


@functools.cache
def exercise_named(name):
    """The name of an exercise, "rnn_step" -> `minirnn.grading.exercise.Exercise`."""
    module = importlib.import_module(f"minirnn.grading.exercises.e{NAMES.index(name) + 1:02}_{name}")
    mistakes, ways = read_mistakes(module.MISTAKES)
    return Exercise(
        function=name,
        outputs=module.OUTPUTS,
        cases=module.cases,
        expected=module.expected,
        solution=module.solution,
        mistakes=mistakes,
        ways=ways,
        hints=paragraphs(module.HINTS),
    )
