"""The commands of the package.

    python -m minirnn
"""

import ast
import pathlib
import sys

from minirnn.arguments import Parser
from minirnn.errors import run_command


def commands():
    """{name: first line of the docstring} of every module of the package that can be run."""
    found = {}
    for path in sorted(pathlib.Path(__file__).parent.glob("[a-z]*.py")):
        source = path.read_text(encoding="utf-8")
        if 'if __name__ == "__main__":' in source:
            found[path.stem] = ast.get_docstring(ast.parse(source)).splitlines()[0]
    return found


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    Parser(prog="python -m minirnn", description="List the commands.").parse_args(argv)
    found = commands()
    width = max(map(len, found))
    for name, what in found.items():
        print(f"python -m minirnn.{name:{width}}  {what}")
    print("\nEach shows its options with --help.")


if __name__ == "__main__":
    sys.exit(run_command(main))
