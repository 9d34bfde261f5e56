"""The structure of the package: data flow one way, a command is a door, and nobody walks back out through it."""

import ast
import configparser
import pathlib

import pytest

import minirnn
from minirnn.__main__ import COMMANDS

PACKAGE = pathlib.Path(minirnn.__file__).parent
BASE = {"arguments", "backend", "cores", "errors", "files"}
# From the bottom up: a folder imports from those before it, and never from one after it. What is written is proofread,
# so writing stands above reading, which needs nothing of it.
FLOORS = [
    "ink", "layers", "networks", "datasets", "drawing", "images", "reading", "writing", "training", "web",
    "labelling", "forms", "grading", "course", "studio_page", "studies",
]  # fmt: skip
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def imported(path):
    """The modules of the package that a file imports, as tuples of their parts, wherever in the file it does so."""
    for node in ast.walk(ast.parse((PACKAGE / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "minirnn":
            parts = node.module.split(".")[1:]
            for alias in node.names:
                deeper = PACKAGE.joinpath(*parts, alias.name)
                is_module = deeper.is_dir() or deeper.with_suffix(".py").exists()
                yield (*parts, alias.name) if is_module else tuple(parts)
        elif isinstance(node, ast.Import):
            yield from (tuple(a.name.split(".")[1:]) for a in node.names if a.name.split(".")[0] == "minirnn")


def floor(parts):
    """How high a module stands: base modules lowest, then the folders, then the commands."""
    if len(parts) == 0 or (len(parts) == 1 and parts[0] in BASE):
        return -1
    return FLOORS.index(parts[0]) if parts[0] in FLOORS else len(FLOORS)


def test_a_file_at_the_top_is_a_command_or_a_base_module():
    at_the_top = {path.stem for path in MODULES if len(path.parts) == 1}
    commands = {name for name in COMMANDS if "." not in name}
    assert at_the_top == commands | BASE | {"__init__", "__main__"}
    assert len(at_the_top) <= 20


def test_no_file_name_occurs_twice():
    names = [path.name for path in MODULES if path.name != "__init__.py"]
    assert [name for name in names if names.count(name) > 1] == []


def test_no_class_name_occurs_twice():
    trees = [ast.parse((PACKAGE / path).read_text(encoding="utf-8")) for path in MODULES]
    names = [node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)]
    assert [name for name in names if names.count(name) > 1 and name[0] != "_"] == []


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_data_flow_one_way(path):
    own = path.with_suffix("").parts
    for parts in imported(path):
        if len(own) == 1 and own[0] not in BASE:
            continue  # a command may use everything
        assert floor(parts) <= floor(own), f"{path} imports {'.'.join(parts)}"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_nothing_imports_a_command(path):
    commands = {name for name in COMMANDS if "." not in name}
    assert not [parts for parts in imported(path) if len(parts) == 1 and parts[0] in commands]


def test_an_installation_has_every_file_that_is_not_python():
    settings = configparser.ConfigParser()
    settings.read(PACKAGE.parent / "setup.cfg", encoding="utf-8")
    patterns = settings["options.package_data"]["minirnn"].split()
    files = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*") if path.is_file() and path.suffix != ".py"]
    files = [path for path in files if path.suffix not in (".pyc", ".pyo") and not path.name.startswith(".")]
    assert files
    assert [path.as_posix() for path in files if not any(path.match(pattern) for pattern in patterns)] == []


def test_there_is_no_circle():
    graph = {path: {PACKAGE.joinpath(*parts) for parts in imported(path)} for path in MODULES}
    graph = {
        path: {(p / "__init__.py" if p.is_dir() else p.with_suffix(".py")).relative_to(PACKAGE) for p in found}
        for path, found in graph.items()
    }
    done = set()

    def visit(path, above):
        assert path not in above, f"a circle: {' -> '.join(map(str, [*above[above.index(path):], path]))}"
        if path not in done:
            for other in graph[path] - {path}:
                visit(other, [*above, path])
            done.add(path)

    for path in graph:
        visit(path, [])
