"""What `test_mpi` runs on several ranks:  mpi_program.py JOB FOLDER [JSON of the trainer's options]"""

import json
import os
import pathlib
import signal
import sys

from small_runs import hand_trainer, text_trainer

from minirnn.training import mpi


def main(argv):
    job, run, options = argv[0], pathlib.Path(argv[1]), json.loads(argv[2])
    made = hand_trainer if options.pop("hand", False) else text_trainer
    trainer = made(run, **options)
    if job == "resume":
        trainer.load()
    if job in ("stop", "crash", "die", "differ"):
        step = trainer.step

        def step_10():
            if trainer.progress.step == 10 and mpi.rank() == 1:
                if job == "stop":
                    os.kill(os.getpid(), signal.SIGTERM)
                elif job == "die":
                    os.kill(os.getpid(), signal.SIGKILL)
                elif job == "crash":
                    raise RuntimeError("something that nobody foresaw")
                else:
                    trainer.params["softmax.b"] += 1e-6
            return step()

        trainer.step = step_10
    trainer.train()


if __name__ == "__main__":
    sys.exit(mpi.run(lambda argv: main(sys.argv[1:])))
