"""The grader as tests: `pytest tutorials/exercises`, or `pytest tutorials/exercises -k lstm`."""

import pathlib

import pytest

from minirnn.grading import FILES
from minirnn.grading.judge import RIGHT
from minirnn.grading.runner import grade_file


@pytest.mark.parametrize("name", [file.removesuffix(".py") for file in FILES])
def test_exercise(name):
    verdict, printed = grade_file(pathlib.Path(__file__).parent / f"{name}.py")
    print(printed, end="")
    if verdict.state != RIGHT:
        pytest.fail(str(verdict), pytrace=False)
