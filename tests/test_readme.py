"""The README stays true: its commands can be given as they are printed, its examples run, its files are there."""

import importlib
import inspect
import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest
from PIL import Image

from minirnn.__main__ import COMMANDS
from minirnn.arguments import Parser
from minirnn.layers import lstm

ROOT = pathlib.Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *ROOT.glob("data/*.md"), *ROOT.glob("tutorials/**/*.md")]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def printed_commands(page):
    """Every `python -m minirnn...` of a page, in backquotes or on indented lines, as a list of words."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    quoted = [" ".join(found.split()) for found in re.findall(r"`(python -m minirnn[^`]*)`", text)]
    indented = re.findall(r"^    +(python -m minirnn.*?)(?:   +.*)?(?: +#.*)?$", text, flags=re.MULTILINE)
    # What a shell does with the output is no argument.
    return [shlex.split(command.split(" > ")[0], comments=True)[2:] for command in quoted + indented]


ALL = [(page.relative_to(ROOT).as_posix(), words) for page in PAGES for words in printed_commands(page)]


class Parsed(Exception):
    """The arguments were understood; what they ask for is not done here."""


@pytest.mark.parametrize("page, words", ALL, ids=lambda value: " ".join(value) if isinstance(value, list) else None)
def test_every_printed_command_is_understood(page, words, monkeypatch):
    parse = Parser.parse_args

    def parse_and_stop(self, *arguments):
        raise Parsed(parse(self, *arguments))

    monkeypatch.setattr(Parser, "parse_args", parse_and_stop)
    module = "minirnn.__main__" if words[0] == "minirnn" else words[0]
    with pytest.raises(Parsed):
        importlib.import_module(module).main(words[1:])


def test_every_command_has_an_example():
    shown = {words[0] for page in PAGES for words in printed_commands(page)}
    assert {f"minirnn.{name}" for name in COMMANDS} <= shown


def run_example(example, folder):
    """Run Python code as a user would, in a process of its own: here, the commands of these names are imported, too."""
    return subprocess.run(
        [sys.executable, "-c", example], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True,
    )  # fmt: skip


def test_the_examples_run(tmp_path):
    writing, layer, check = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert run_example(writing, tmp_path).returncode == 0
    with Image.open(tmp_path / "hello.png") as picture:
        assert picture.width > picture.height > 50 and picture.convert("L").getextrema() == (0, 255)
    names = {}
    exec(layer, names)
    for name, shape in re.findall(r'"(\w+)": (\([\d, ]+\))', layer):
        assert names["params"][name].shape == eval(shape)
    assert names["dx"].shape == (10, 4, 8) and names["grads"].keys() == names["params"].keys()
    assert run_example(check, tmp_path).returncode == 0
    # The check is one that can fail.
    assert "AssertionError" in run_example(check.replace("1 - y * y", "1 - y"), tmp_path).stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_links_to_is_there(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert "://" in target or (page.parent / target).exists(), target


def test_the_files_of_the_table_of_where_to_read_are_there():
    table = README.split("## Where to read")[1].split("\n\n")[2]
    rows = [re.findall(r"`([\w/.]+)`", row.split("|")[1]) for row in table.splitlines()[2:]]
    assert len(rows) >= 10
    for first, *others in rows:
        folder = pathlib.Path(first).parent
        for name in (first, *(other if "/" in other else folder / other for other in others)):
            assert (ROOT / name).exists(), name


def test_the_chapters_are_all_in_the_table():
    course = README.split("## The course")[1].split("##")[0]
    numbers = sorted(int(number) for number in re.findall(r"\| (\d+) (?=[a-zA-Z])", course))
    assert numbers == [int(path.name[:2]) for path in sorted(ROOT.glob("tutorials/[0-9]*.py"))]


def test_the_name_of_a_gradient_of_the_lstm_leads_to_its_line():
    """The README's two steps: the name in the equations of the docstring, then the name in the code."""
    equations = lstm.__doc__.split("Backward")[1]
    names = set(re.findall(r"\bd(?:[ifogchxb]|z_[ifog]|W[xh])(?=[_ ,)])", equations))
    assert names >= {"dh", "do", "dc", "di", "df", "dg", "dz_i", "dz_f", "dz_o", "dz_g", "dWx", "dWh", "db", "dx"}
    bodies = [inspect.getsource(function).split('"""')[2] for function in (lstm.cell_backward, lstm.backward)]
    code = "\n".join(bodies).splitlines()
    # A line that computes: one that writes (out=, an assignment, an entry of grads) or returns.
    computing = [line for line in code if re.search(r"out=|[-+*]= |\": |return|np\.", line)]
    for name in names:
        assert any(re.search(rf"\b{name}\b", line) for line in computing), name
