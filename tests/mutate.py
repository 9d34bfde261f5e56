"""Mutation testing: could the tests fail? Small faults are put into the source, one at a time, and the tests that
belong to the file must notice each of them (DeMillo, Lipton and Sayward 1978).

    python tests/mutate.py                     all of it: several hours on one core
    python tests/mutate.py training/optimisers layers/lstm   some files
    python tests/mutate.py training/optimisers --list        what would be tried
    python tests/mutate.py --short             a fixed few, as the suite does

The faults: an operator becomes another, an operand is dropped, a comparison moves by one or turns round, a number
changes, a condition turns round, a statement goes. Messages, annotations and docstrings are left alone. Every mutant
runs in a process of its own with a limit on its time and memory; a test that fails, an exception or a limit that is hit
kills it. The libraries are loaded once, so that a mutant costs about a second.

What survives must stand in mutants.txt beside this file, with the reason why no test could notice it. Exit code 0 if
at least 95% were killed and every survivor is explained, else 2.
"""

import argparse
import ast
import copy
import os
import pathlib
import resource
import shutil
import signal
import sys
import tempfile
import time
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")

import hypothesis
import matplotlib.figure  # noqa: F401
import numpy  # noqa: F401
import pytest
import scipy.cluster.vq
import scipy.interpolate
import scipy.spatial  # noqa: F401
import threadpoolctl  # noqa: F401
import tqdm

TESTS = pathlib.Path(__file__).resolve().parent
PACKAGE = TESTS.parent / "minirnn"
EXPLAINED = TESTS / "mutants.txt"
WANTED = 0.95  # of the mutants killed
MEMORY = 4 * 2**30  # bytes of address space that a mutant may take

# --- which tests judge which file: the quickest to fail first ---------------------------------------------------

def of(file, *tests):
    return [f"{file}.py::test_{test}" for test in tests]


CONTRACT = of(
    "test_layers", "no_layer_writes_into_its_arguments", "outputs_have_the_dtype_of_the_input",
    "float32_agrees_with_float64", "the_same_call_gives_the_same_bits",
)  # fmt: skip
CELL = [
    *of("test_states", "recurrent_layers_against_plain_ones", "three_chunks_of_a_recurrent_layer_equal_the_whole"),
    *of("test_layers", "new_weights_are_of_the_size_declared", "biases_of_a_new_lstm_are_small_and_of_both_signs"),
    *of("test_layers", "backward_does_not_use_up_the_cache", "the_state_is_no_view_of_the_output"),
    *of("test_layers", "shapes_of_recurrent_layers"), *CONTRACT,
    *of("test_layers", "gradient_of_recurrent_layers_with_any_start_state"),
]  # fmt: skip
READER = [
    *of("test_states", "window_against_a_plain_one", "reader_against_a_plain_one"),
    *of("test_states", "three_chunks_of_the_reader_equal_the_whole"),
    *of("test_layers", "a_new_window_walks_over_the_text_at_the_rate_asked_for", "shapes_of_reader"),
    *of("test_layers", "a_new_window_hardly_listens_to_the_state"),
    *of("test_layers", "a_new_window_is_wide_and_its_weights_add_up_to_one"),
    *of("test_layers", "the_reader_says_how_large_it_is_before_it_uses_a_gpu"),
    *of("test_layers", "the_state_of_the_reader_is_no_view_of_the_output"), *CONTRACT,
    *of("test_layers", "gradient_of_window", "gradient_of_the_windowed_lstm"), "test_loops.py::test_reader",
]  # fmt: skip
# What many faults of the training loop show in, and what takes long and shows no others.
TRAINING_FIRST = of(
    "test_training", "a_run_leaves_its_log_its_curve_its_samples_and_its_checkpoints", "the_same_run_twice[text]",
    "a_run_that_died_at_any_steps_ends_the_same[gru, threads, averaged-saved at every step]",
    "a_step_that_is_not_finite_is_left_out_and_counted[nan]",
)  # fmt: skip
SLOW = of("test_training", "any_stops") + [
    f"test_training.py::test_a_run_that_died_at_any_steps_ends_the_same[{variant}-saved at {when}]"
    for variant in ("hand", "hand, threads", "sgd, decay of nothing") for when in ("every step", "evaluations")
]  # fmt: skip


def layer(judge, *more):
    return [f"test_gradcheck.py::test_without_a_fault_nothing_is_caught[{judge}_judge]", *more]


JUDGES = {
    "training/optimisers": ["test_optim.py"],
    "layers/dense": layer(
        "dense", *of("test_layers", "new_weights_of_dense_and_embedding", "embedding_and_dense_take_any_leading_shape"),
        *CONTRACT, *of("test_layers", "gradient_of_dense"),
    ),
    "layers/dropout": layer(
        "dropout", *of("test_layers", "dropout_silences_exactly_the_share_asked_for", "dropout_keeps_the_mean"),
        *of("test_layers", "dropout_does_nothing_when_the_network_is_used"), *CONTRACT,
        *of("test_layers", "gradient_of_dropout"),
    ),
    "layers/embedding": layer(
        "embedding", *of("test_layers", "new_weights_of_dense_and_embedding"), *CONTRACT,
        *of("test_layers", "gradient_of_embedding"),
    ),
    "layers/softmax_cross_entropy": layer(
        "loss", *of("test_layers", "loss_is_the_mean_over_what_counts", "nothing_counts_nothing_learned"),
        *of("test_layers", "huge_logits_do_not_overflow"), *CONTRACT,
        *of("test_layers", "gradient_of_softmax_cross_entropy"),
    ),
    "layers/rnn": layer("rnn", *CELL),
    "layers/lstm": layer("lstm", *CELL, "test_loops.py::test_lstm"),  # what only a GPU does, where there is a compiler
    "layers/gru": layer("gru", *CELL),
    "layers/attention_window": layer("window", *READER),
    "layers/windowed_lstm": layer("reader", *READER),
    "layers/ctc": layer("ctc_value", "test_ctc.py", *CONTRACT, *of("test_layers", "gradient_of_ctc")),
    "layers/bidirectional": layer(
        "bidirectional", "test_ctc.py", *CONTRACT, *of("test_layers", "gradient_of_bidirectional_layers"),
    ),
    "reading/decoding": ["test_reading.py"],
    "reading/alignment": ["test_reading.py"],
    "writing/proofreading": ["test_proofreading.py"],
    "writing/mending": ["test_proofreading.py"],
    "ink/vocabularies": ["test_alphabets.py"],
    "training/trainer": [*TRAINING_FIRST, "test_training.py"],
    "training/plan": [*TRAINING_FIRST, "test_training.py"],
    "training/run_folder": [*TRAINING_FIRST, "test_training.py"],
    "training/settings": ["test_settings.py"],
}  # fmt: skip

# For the suite: one of each kind of fault, by file and by what it is called in the report.
SHORT = {
    "training/optimisers": [
        "Adam.step: work /= unbias_s -> work *= unbias_s",
        "clip_by_global_norm: if max_norm < norm < math.inf -> if max_norm >= norm < math.inf",
        "learning_rate: shape = 0.5 * (1 + math.cos(math.pi * progress)) -> "
        "shape = 0.5 * (1 - math.cos(math.pi * progress))",
    ],
    "ink/vocabularies": [
        "PenVocabulary.heights: return self.height_of(np.cumsum(self.vectors[ids, 1], axis=0)) -> "
        "return self.height_of(np.cumsum(self.vectors[ids, 1], axis=1))",
    ],
}  # fmt: skip


# --- mutants ----------------------------------------------------------------------------------------------------

SWAPPED = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
BOUNDARY = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
OPPOSITE = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
# Where the source speaks to people, or to tools that read it.
PASSED_OVER = (ast.JoinedStr, ast.Import, ast.ImportFrom)
PLAIN_TESTS = (ast.Name, ast.Attribute, ast.Call)  # other conditions are changed as comparisons are
NOT_CODE = {"annotation", "returns", "decorator_list", "bases", "type_comment"}


class Mutant:
    """A node of a syntax tree that can be replaced by another, and put back."""

    def __init__(self, owner, field, index, new, statement, where):
        self.owner, self.field, self.index, self.new = owner, field, index, new
        self.old = getattr(owner, field) if index is None else getattr(owner, field)[index]
        before = _first_line(statement)
        self.put(self.new)
        after = "(gone)" if isinstance(new, ast.Pass) else _first_line(new if statement is self.old else statement)
        self.put(self.old)
        self.name = f"{where}: {before} -> {after}"

    def put(self, node):
        if self.index is None:
            setattr(self.owner, self.field, node)
        else:
            getattr(self.owner, self.field)[self.index] = node


def _first_line(statement):
    """A statement as it is written, of one with others inside it only the head."""
    statement = copy.copy(statement)
    for field in ("body", "orelse", "finalbody", "handlers", "decorator_list"):
        if hasattr(statement, field):
            setattr(statement, field, [ast.Pass()] if field == "body" else [])
    return ast.unparse(statement).splitlines()[0].removesuffix(":")


def mutants_of(tree):
    """Every `Mutant` of a module's syntax tree, in the order of the source."""
    found = []

    def visit(node, statement, where):
        for field, value in ast.iter_fields(node):
            if field in NOT_CODE:
                continue
            for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if not isinstance(child, ast.AST) or isinstance(child, PASSED_OVER) or _is_docstring(child):
                    continue
                inside = where
                if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                    inside = f"{where}.{child.name}" if where else child.name
                at = child if isinstance(child, ast.stmt) else statement
                last = isinstance(value, list) and index == len(value) - 1
                for new in _replacements(child, last):
                    found.append(Mutant(node, field, index, new, at, inside or "(module)"))
                if not (isinstance(child, ast.UnaryOp) and isinstance(child.operand, ast.Constant)):
                    visit(child, at, inside)

    visit(tree, None, "")
    return found


def _is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _replacements(node, last):
    """What may stand in the place of a node; ``last``: it is the last statement of its block."""
    if isinstance(node, ast.BinOp) and type(node.op) in SWAPPED:
        yield ast.BinOp(node.left, SWAPPED[type(node.op)](), node.right)
        yield node.left
        if isinstance(node.op, (ast.Add, ast.Mult)):
            yield node.right
    elif isinstance(node, ast.UnaryOp):
        negative = isinstance(node.operand, ast.Constant) and isinstance(node.operand.value, int)
        yield ast.Constant(1 - node.operand.value) if negative else node.operand  # -1 is often an index: it becomes 0
    elif isinstance(node, ast.Compare):
        for place, op in enumerate(node.ops):
            for table in (BOUNDARY, OPPOSITE):
                if type(op) in table:
                    ops = [*node.ops[:place], table[type(op)](), *node.ops[place + 1 :]]
                    yield ast.Compare(node.left, ops, node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        yield ast.Constant(node.value + 1 if isinstance(node.value, int) or node.value == 0 else 2 * node.value)
    elif isinstance(node, (ast.If, ast.While, ast.IfExp)) and isinstance(node.test, PLAIN_TESTS):
        fields = {name: value for name, value in ast.iter_fields(node) if name != "test"}
        yield type(node)(test=ast.UnaryOp(ast.Not(), node.test), **fields)
    elif isinstance(node, ast.AugAssign) and type(node.op) in SWAPPED:
        yield ast.AugAssign(node.target, SWAPPED[type(node.op)](), node.value)
    if _can_go(node, last):
        yield ast.Pass()


def _can_go(node, last):
    """A statement without which the program still runs; what defines a name would be missed by any test."""
    if isinstance(node, ast.Assign):
        return not any(isinstance(part, ast.Name) for target in node.targets for part in _parts(target))
    if isinstance(node, ast.Return):
        return not last
    return isinstance(node, (ast.Expr, ast.AugAssign, ast.Raise, ast.Continue, ast.Break))


def _parts(target):
    return target.elts if isinstance(target, ast.Tuple) else [target]


# --- running them -----------------------------------------------------------------------------------------------


class Instead(MetaPathFinder):
    """Loads a module of the package from a syntax tree in the place of its file."""

    def __init__(self, name, path, tree):
        self.name, self.path, self.code = name, path, compile(tree, str(path), "exec")

    def find_spec(self, name, *_):
        if name == self.name:
            spec = ModuleSpec(name, self, origin=str(self.path))
            spec.has_location = True
            return spec
        return None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(self.code, module.__dict__)


def run_tests(name, path, tree, folder, seconds):
    """In a forked process: the tests of a file, whose source is ``tree`` -> never; ends with 0 if all of them pass."""
    code = 1
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for handle in range(3):
            os.dup2(nowhere, handle)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        os.chdir(folder)
        sys.path[:0] = [str(TESTS), str(TESTS.parent)]
        os.environ["PYTHONPATH"] = str(TESTS.parent)  # for what the tests start
        if tree is not None:
            sys.meta_path.insert(0, Instead("minirnn." + name.replace("/", "."), path, tree))
        phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]  # the first failure is enough
        only_once = hypothesis.settings(database=None, deadline=None, derandomize=True, phases=phases)
        hypothesis.settings.register_profile("mutants", only_once)
        hypothesis.settings.load_profile("mutants")
        chosen = [str(TESTS / test) for test in JUDGES[name]]
        left_out = [f"--deselect={test}" for test in SLOW]
        options = ["-x", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:terminal"]
        code = pytest.main([*chosen, *left_out, *options, f"--rootdir={TESTS}", f"--basetemp={folder}/tests",
                            "--import-mode=prepend", "-c", os.devnull])  # fmt: skip
    finally:
        os._exit(int(code != 0))


def start(name, path, tree, seconds):
    """Fork -> process id, its folder, the time by which it must be over, whatever it waits for."""
    folder = tempfile.mkdtemp()
    child = os.fork()
    if child == 0:
        os.setsid()
        run_tests(name, path, tree, folder, seconds)
    return child, folder, time.monotonic() + 30 * seconds


def wait_for(children):
    """Wait for one of the children, {process id: (folder, time limit)} -> its process id, whether it survived."""
    while True:
        for child, (folder, end) in list(children.items()):
            if time.monotonic() > end:
                os.killpg(child, signal.SIGKILL)
            found, status = os.waitpid(child, os.WNOHANG)
            if found:
                shutil.rmtree(folder, ignore_errors=True)
                return child, status == 0
        time.sleep(0.01)


def seconds_of(name):
    """How long the tests of a file take if nothing is wrong with it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    child, folder, end = start(name, None, None, 600)
    if not wait_for({child: (folder, end)})[1]:
        raise SystemExit(f"{name}: its tests fail as it is; run {' '.join(JUDGES[name])}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def try_all(name, tree, mutants, seconds, jobs):
    """Run every mutant of a file's syntax tree -> the list of those that no test noticed within so many seconds."""
    path = PACKAGE / f"{name}.py"
    waiting, running, survivors = list(mutants), {}, []
    with tqdm.tqdm(total=len(waiting), desc=name, mininterval=2) as bar:
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    mutant = waiting.pop(0)
                    mutant.put(ast.copy_location(mutant.new, mutant.old))
                    child, folder, end = start(name, path, ast.fix_missing_locations(tree), seconds)
                    mutant.put(mutant.old)
                    running[child] = (folder, end), mutant
                child, survived = wait_for({child: limits for child, (limits, _) in running.items()})
                mutant = running.pop(child)[1]
                if survived:
                    survivors.append(mutant.name)
                    bar.write(f"survived  {name}  {mutant.name}")
                bar.update()
        finally:  # interrupted: nothing goes on alone
            for child, ((folder, _), _) in running.items():
                os.killpg(child, signal.SIGKILL)
                shutil.rmtree(folder, ignore_errors=True)
    return survivors


def explained():
    """{name of a mutant: why no test could notice it} from mutants.txt."""
    reasons, name = {}, None
    for line in EXPLAINED.read_text(encoding="utf-8").splitlines():
        if line.startswith("    "):
            reasons[name] = f"{reasons[name]} {line.strip()}".strip()
        elif line and not line.startswith("#"):
            name = line
            reasons[name] = ""
    return reasons


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE", help=f"of {', '.join(JUDGES)}")
    parser.add_argument("--list", action="store_true", help="only list the mutants")
    parser.add_argument("--short", action="store_true", help="only a fixed few")
    parser.add_argument("--one-of", type=int, default=1, metavar="N", help="of N mutants only one, spread evenly")
    parser.add_argument("--only", metavar="WORDS", help="only mutants whose name has these words in it")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time (default 1)")
    options = parser.parse_args(argv)
    unknown = set(options.files) - JUDGES.keys()
    if unknown:
        parser.error(f"no tests are known for {', '.join(sorted(unknown))}")
    reasons, total, survivors = explained(), 0, []
    for name in options.files or (SHORT if options.short else JUDGES):
        tree = ast.parse((PACKAGE / f"{name}.py").read_text(encoding="utf-8"))
        mutants = mutants_of(tree)
        if options.short:
            lacking = set(SHORT[name]) - {mutant.name for mutant in mutants}
            if lacking:
                raise SystemExit(f"{name} has no such mutant any more: {', '.join(sorted(lacking))}")
            mutants = [mutant for mutant in mutants if mutant.name in SHORT[name]]
        if options.only:
            mutants = [mutant for mutant in mutants if options.only in mutant.name]
        mutants = mutants[options.one_of // 2 :: options.one_of]
        if options.list:
            print(*(f"{name}  {mutant.name}" for mutant in mutants), sep="\n")
            continue
        seconds = 20 if options.short else 5 + round(3 * seconds_of(name))
        found = try_all(name, tree, mutants, seconds, options.jobs)
        print(f"{name}: {len(mutants) - len(found)} of {len(mutants)} killed", flush=True)
        total += len(mutants)
        survivors += [f"{name}  {mutant}" for mutant in found]
    if options.list:
        return 0
    new = [name for name in survivors if name not in reasons]
    killed = total - len(survivors)
    print(f"{killed} of {total} mutants killed ({killed / max(1, total):.1%}); {len(survivors)} survived, "
          f"{len(survivors) - len(new)} of them explained in {EXPLAINED.name}")  # fmt: skip
    if new:
        print("not explained:", *new, sep="\n")
    return 0 if not new and killed >= WANTED * total else 2


if __name__ == "__main__":
    sys.exit(main())
