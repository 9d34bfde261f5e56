"""What the exercises of ``tutorials/exercises`` ask for, one file an exercise, and how an answer is judged.

Each file has the exercise's inputs (``cases``), the right result (``expected``: from the package's own layers, a
gradient by central differences through them), and a plain version of the computation (``variant``) into which the
typical ``MISTAKES`` can be put by name; ``EXERCISE`` joins them.
`minirnn.grading.exercise` compares; `minirnn.grading.child` runs one student's file in a process of its own.
"""

import importlib

NAMES = [
    "embedding_backward",
    "softmax_cross_entropy",
    "rnn_step",
    "lstm_step_forward",
    "lstm_step_backward",
    "gru_backward",
    "adam_step",
    "clip_by_global_norm",
    "truncated_bptt",
    "sample",
    "window_forward",
    "window_backward",
]
FILES = [f"{number:02}_{name}.py" for number, name in enumerate(NAMES, start=1)]


def exercise_of(file_name):
    """The name of a file, "03_rnn_step.py" -> its `minirnn.grading.exercise.Exercise`."""
    return importlib.import_module(f"minirnn.grading.{NAMES[FILES.index(file_name)]}").EXERCISE
