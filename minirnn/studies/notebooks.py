"""Make notebooks of the chapters.

    python -m minirnn.studies.notebooks tutorials                                  into tutorials/notebooks
    python -m minirnn.studies.notebooks tutorials --repository NAME/PROJECT        that open from this place on GitHub

A chapter is a Python file in percent format; jupytext turns it into a notebook without outputs. Before the chapter
stands a cell that installs the package where it is missing, and a badge that opens the notebook in Google Colab. Such a
link has to name the repository on GitHub from which the notebooks are read. Whoever publishes a copy gives its name
once; the notebooks keep it from then on.
"""

import importlib
import pathlib
import re
import sys

from minirnn.arguments import Parser
from minirnn.errors import MinirnnError, run_command
from minirnn.files import atomic

NOWHERE = "YOUR_NAME/minirnn"  # no such name can exist on GitHub, so nobody installs a stranger's package by mistake
BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/{repository}/blob/main/tutorials/notebooks/{name}.ipynb)"
)
INSTALL = """\
# Nothing happens here if the package is installed.
import importlib.util

if importlib.util.find_spec("minirnn") is None:
    %pip install -q git+https://github.com/{repository}"""


def needed(name):
    """The module ``name`` of the extra ``course``. MinirnnError if it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        package = name.split(".")[0].replace("_", "-")
        raise MinirnnError(f'this needs the package {package}; pip install "minirnn[course]"') from None


def chapters_in(folder):
    """The paths of the chapters NN_name.py in ``folder``, in order. MinirnnError if there are none."""
    chapters = sorted(pathlib.Path(folder).glob("[0-9][0-9]_*.py"))
    if not chapters:
        raise MinirnnError(f"{folder}: no chapters NN_name.py; give the folder tutorials of the project")
    return chapters


def repository_of(folder):
    """The repository that the notebooks in ``folder`` name, "NAME/PROJECT"; `NOWHERE` if there are none yet."""
    for path in sorted(pathlib.Path(folder).glob("*.ipynb")):
        found = re.search(r"git\+https://github\.com/([\w.-]+/[\w.-]+)", path.read_text(encoding="utf-8"))
        if found:
            return found[1]
    return NOWHERE


def notebook_text(chapter, repository):
    """The notebook of a chapter (a path) as the text of an .ipynb file, the same for the same chapter."""
    nbformat = needed("nbformat")
    notebook = needed("jupytext").read(chapter)
    name = chapter.stem
    notebook.cells[:0] = [
        nbformat.v4.new_markdown_cell(BADGE.format(repository=repository, name=name)),
        nbformat.v4.new_code_cell(INSTALL.format(repository=repository)),
    ]
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"  # instead of a random one
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.studies.notebooks",
        description="Make notebooks of the chapters, in the folder notebooks beside them.",
    )
    parser.add_argument("chapters", type=pathlib.Path, help="folder of the chapters, tutorials in the project")
    parser.add_argument("--repository", metavar="NAME/PROJECT", help="where the notebooks will be on GitHub; by "
                        "default what they say already")  # fmt: skip
    options = parser.parse_args(argv)
    folder = options.chapters / "notebooks"
    repository = options.repository or repository_of(folder)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise MinirnnError(f"--repository {repository!r}: expected the form NAME/PROJECT")
    texts = {chapter.stem: notebook_text(chapter, repository) for chapter in chapters_in(options.chapters)}
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        with atomic(folder / f"{name}.ipynb") as file:
            file.write(text)
    print(f"{len(texts)} notebooks in {folder}, to be opened from https://github.com/{repository}")


if __name__ == "__main__":
    sys.exit(run_command(main))
