"""Everything public explains itself: what `python -m pydoc` shows is the documentation of the package."""

import ast
import pathlib
import re

import pytest

import minirnn

PACKAGE = pathlib.Path(minirnn.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
LAYERS = sorted((PACKAGE / "layers").glob("[a-z]*.py"))
SHAPE = re.compile(r"\((?:\.\.\.|\d*[A-Z])(?:, ?[^()]*)?\)")  # (T, B, D), (4H,), (..., V), (...)
SIZES = {"B", "D", "E", "H", "K", "T", "U", "V", "rng", "dtype", "rate", "p", "dloss"}  # arguments that are no arrays


def public(node, prefix=""):
    """(dotted name, node) of the public classes and functions of a module or class, and of the classes' own."""
    for child in node.body:
        if isinstance(child, (ast.FunctionDef, ast.ClassDef)) and not child.name.startswith("_"):
            yield prefix + child.name, child
            if isinstance(child, ast.ClassDef):
                yield from public(child, f"{prefix}{child.name}.")


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_module_class_and_function_has_a_docstring(path):
    tree = parsed(path)
    assert ast.get_docstring(tree), "the module has none"
    assert [name for name, node in public(tree) if not ast.get_docstring(node)] == []


@pytest.mark.parametrize("path", LAYERS, ids=lambda path: path.stem)
def test_the_functions_of_a_layer_give_the_shapes_of_their_arrays(path):
    """Every array argument is named in the docstring, and shapes are given. (Whether the shapes are true
    is seen in test_layers.py.)"""
    for name, node in public(parsed(path)):
        docstring = ast.get_docstring(node)
        arrays = [a.arg for a in node.args.args if a.arg not in SIZES | {"params", "cache", "state", "dstate"}]
        if arrays or name == "init":
            assert SHAPE.search(docstring), f"{name} gives no shape"
        for array in arrays:
            assert re.search(rf"\b{array}\b", docstring), f"{name} says nothing of {array}"


def test_the_pattern_knows_a_shape_from_other_brackets():
    for shape in ("(T, B, D)", "(4H,)", "(..., V)", "(...)", "(H, 3K)"):
        assert SHAPE.fullmatch(shape), shape
    for words in ("(h,)", "(see above)", "(Graves 2013)", "()"):
        assert not SHAPE.fullmatch(words), words
