"""The gradient check: does backward really compute the derivative of forward?

    python -m minirnn.gradcheck

    python -m minirnn.gradcheck my_cell.py      a recurrent layer of your own, see `minirnn.networks.own_cell`

The first prints a table of every layer, of stacks of both gated cells and of all networks: for each input, parameter
and state the largest relative error between the gradient that backward gives and central differences,

    df/dθ ≈ (f(θ + s) - f(θ - s)) / 2s

Everything is in float64. With values and derivatives of the order of one, the step s = 2e-5 leaves a truncation
error of about s² = 4e-10 and a rounding error of about 1e-15 / s = 5e-11; divided by the floor below, the noise of a
right gradient is mostly under 1e-7 (measured over some hundred random cases), while a mistake in a formula leaves an
error of the order of the gradient itself. The tolerance of 1e-6 stands between the two. The relative error is
|a - n| / max(|a|, |n|, 1e-3): below a gradient of 1e-3 the noise of the differences would be divided by next to
nothing, so there the error counts absolutely.

For a layer that is no recurrent one, build a `Case` and call `check`.
"""

import sys

from minirnn.arguments import Parser, above_zero, zero_or_more
from minirnn.errors import MinirnnError, run_command
from minirnn.layers import CELLS
from minirnn.networks.gradient_cases import all_cases
from minirnn.networks.gradient_check import TOLERANCE, check
from minirnn.networks.own_cell import complaints, load_cell


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    parser = Parser(
        prog="python -m minirnn.gradcheck",
        description="Hold every hand-written gradient against central differences, in float64.",
    )
    parser.add_argument("--seed", type=zero_or_more, default=0, help="of the random numbers (default 0)")
    parser.add_argument("--tolerance", type=above_zero, default=TOLERANCE, help="largest relative error (default 1e-6)")
    parser.add_argument("cell", nargs="?", metavar="FILE", help="a Python file with a recurrent layer of your own")
    options = parser.parse_args(argv)
    if options.cell:
        check_own(options.cell, options.seed)
        return
    print(f"{'layer':30}{'array':22}{'largest error':>14}{'tolerance':>12}  verdict")
    failed = total = 0
    for case in all_cases(options.seed):
        for result in check(case, options.seed, options.tolerance):
            verdict = "ok" if result.ok else "WRONG"
            print(f"{result.case:30}{result.array:22}{result.error:14.1e}{result.tolerance:12.0e}  {verdict}")
            total, failed = total + 1, failed + (not result.ok)
    if failed:
        raise MinirnnError(f"{failed} of {total} gradients are wrong; the rows marked WRONG say which")
    print(f"all {total} gradients agree with central differences")


def check_own(path, seed):
    """Say what is wrong with the cell in the file ``path``, or that nothing is. Raises MinirnnError."""
    name = load_cell(path)
    found = complaints(CELLS[name], seed)
    if found:
        print(*found, sep="\n")
        raise MinirnnError(f"{path} is not a cell yet; {len(found)} things to correct")
    print(f"{name}: shapes, dtypes, arguments, states and all gradients are right")


if __name__ == "__main__":
    sys.exit(run_command(main))
