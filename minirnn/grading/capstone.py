"""The end of the exercises: the student's own functions are checked, learn a text, write a page, and are compared.

The cell is a file such as ``tutorials/exercises/my_lstm.py``. It is held against central differences, and a network of
it is trained for some minutes beside the package's cells in networks of the same size. All see the same text and the
same batches; the one that computes faster gets further.
"""

from threadpoolctl import threadpool_limits

from minirnn.errors import MinirnnError
from minirnn.layers import CELLS
from minirnn.networks.own_cell import complaints, load_cell
from minirnn.training.launch import announced, new_settings, prepared
from minirnn.training.run_folder import locked, new_run, newest_sample, write_settings
from minirnn.writing.letters import handwrite

SIZES = {"layers": 1, "hidden": 128, "embed": 32, "dropout": 0.0, "threads": 1}


def check_cell(path):
    """Put the cell of the file ``path`` among the cells -> its name; what is wrong with it is a `MinirnnError`."""
    name = load_cell(path)
    if found := complaints(CELLS[name]):
        raise MinirnnError(f"{path} is not a cell yet: {found[0]}; grade the exercises that it is made of first")
    return name


def capstone(path, minutes, text=None):
    """Check the cell in the file ``path``, train it and the package's for ``minutes`` each, and write a page with it;
    print a table of all. ``text`` is a file, by default the package's letters."""
    own = check_cell(path)
    print(f"{own}: all its gradients agree with central differences\n")
    rows = []
    for cell in (own, "rnn", "lstm"):
        of_cell = {"cell_from": str(path)} if cell == own else {"cell": cell}
        settings = new_settings({"task": "text", "text": text, "minutes": minutes, **SIZES, **of_cell})
        run = new_run(None, f"capstone-{cell}")
        with locked(run), threadpool_limits(1):  # products of one step are too small to be shared by cores
            trainer = prepared(settings, run, False)
            write_settings(run, settings.values())
            progress = announced(trainer).train()
        rows.append((cell, trainer.network.count(), progress.step, progress.best, run))
    written = newest_sample(rows[0][-1], "*.txt").read_text(encoding="utf-8")
    print(f"\nwhat {own} now writes:\n\n{written}")
    page = handwrite(written, rows[0][-1] / "page.png")
    print(f"{'cell':14}{'weights':>9}{'steps':>9}{'nats per character':>21}  run")
    for cell, weights, steps, loss, run in rows:
        print(f"{cell:14}{weights:9,}{steps:9,}{loss:21.3f}  {run}")
    print(f"\nthe page by hand: {', '.join(map(str, page))}")
