"""The main job: learn, and write.

    python -m minirnn.train                               the main job, ten minutes: see `minirnn.training.main_job`
    python -m minirnn.train --text my.txt --minutes 20    learn a text
    python -m minirnn.train --task hand --data SAMPLES    learn a hand from what minirnn.prepare made of its images
    python -m minirnn.train --task hand --data ARCHIVES --init scratch    learn to write, many hours
    python -m minirnn.train --resume runs/main-1          continue where it stopped
    mpiexec -n 4 python -m minirnn.train --text my.txt    on many cores or machines; see `minirnn.training.mpi`

A run leaves a folder with its settings, log, loss curve, checkpoints and samples; see `minirnn.training.trainer`.
"""

import contextlib
import pathlib
import sys


def main(argv=None):
    """Run the command; ``argv`` as on the command line, by default the process's own. Raises MinirnnError."""
    # Loaded here, and not above, so that Ctrl-C is heeded during the second that it takes.
    from minirnn import backend
    from minirnn.errors import MinirnnError
    from minirnn.training import mpi
    from minirnn.training.launch import announced, do_all, learn, prepared, settings_from
    from minirnn.training.run_folder import locked, new_run, newest_sample
    from minirnn.writing.letters import handwrite

    if mpi.rank() > 0:  # rank 0 prints for all, and first checks the input
        with contextlib.redirect_stdout(None):
            announced(prepared(*mpi.received())).train()
        return
    settings, run, resume = settings_from(sys.argv[1:] if argv is None else argv)
    task = settings.run.task
    backend.check_device(settings.run.device)
    run = pathlib.Path(run) if resume else new_run(run, "main" if task == "all" else task)
    with locked(run):
        if task == "all":
            do_all(settings, run)
        else:
            learn(settings, run, resume)
    if task == "hand":
        print(f"what it now writes: {newest_sample(run, '*[0-9].png')}")
    elif task == "text":
        newest = newest_sample(run, "*.txt")
        written = newest.read_text(encoding="utf-8")
        print(f"it now writes ({newest}):\n\n{written}")
        try:
            print(*handwrite(written, run / "page.png", seed=settings.training.seed), "shows it written by hand")
        except MinirnnError as error:  # a text with characters that the hand does not know can be learned all the same
            print(f"not written by hand: {error}")


if __name__ == "__main__":
    from minirnn.training import mpi

    sys.exit(mpi.run(main))
