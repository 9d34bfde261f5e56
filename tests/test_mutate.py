"""The tests can fail: a fixed few of the faults of `mutate.py`, and that its machinery tells a fault from none."""

import ast
import subprocess
import sys

import mutate


def test_a_fixed_few_faults_are_noticed():
    command = [sys.executable, mutate.__file__, "--short", "--jobs", "2"]
    result = subprocess.run(command, capture_output=True, text=True)
    few = sum(map(len, mutate.SHORT.values()))
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{few} of {few} mutants killed" in result.stdout


def names(source):
    return [mutant.name for mutant in mutate.mutants_of(ast.parse(source))]


def test_what_is_changed_and_what_is_not():
    source = '''
def f(x, n=2):
    """Not 3 of these."""
    x[-1] += n * 2.0
    if x and not n < 1:
        raise ValueError(f"{n + 1} is wrong")
    return x
'''
    assert names(source) == [
        "f: def f(x, n=2) -> def f(x, n=3)",
        "f: x[-1] += n * 2.0 -> x[-1] -= n * 2.0",
        "f: x[-1] += n * 2.0 -> (gone)",
        "f: x[-1] += n * 2.0 -> x[0] += n * 2.0",
        "f: x[-1] += n * 2.0 -> x[-1] += n / 2.0",
        "f: x[-1] += n * 2.0 -> x[-1] += n",
        "f: x[-1] += n * 2.0 -> x[-1] += 2.0",
        "f: x[-1] += n * 2.0 -> x[-1] += n * 4.0",
        "f: if x and (not n < 1) -> if x or not n < 1",
        "f: if x and (not n < 1) -> if x and n < 1",
        "f: if x and (not n < 1) -> if x and (not n <= 1)",
        "f: if x and (not n < 1) -> if x and (not n >= 1)",
        "f: if x and (not n < 1) -> if x and (not n < 2)",
        "f: raise ValueError(f'{n + 1} is wrong') -> (gone)",
    ]


def test_a_mutant_can_be_put_in_and_taken_out():
    tree = ast.parse("y = a + b")
    whole = ast.unparse(tree)
    for mutant in mutate.mutants_of(tree):
        mutant.put(mutant.new)
        assert ast.unparse(tree) == mutant.name.split(" -> ")[1]
        mutant.put(mutant.old)
        assert ast.unparse(tree) == whole


def test_every_survivor_is_explained():
    known = {f"{name}  {m}" for name in mutate.JUDGES
             for m in names((mutate.PACKAGE / f"{name}.py").read_text(encoding="utf-8"))}  # fmt: skip
    reasons = mutate.explained()
    assert all(len(reason) > 10 for reason in reasons.values())
    assert reasons.keys() <= known, "these are no mutants any more"
