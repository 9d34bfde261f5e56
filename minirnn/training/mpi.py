"""Many processes, on one machine or on many: MPI connects them, and they share the sequences of a batch.

    mpiexec -n 4 python -m minirnn.train --threads 2 ...

Each process, a rank, holds the whole network and takes its share of every batch through it, as threads do
(`minirnn.training.threads`); its own threads divide this share again. One all-reduce per step adds up one flat buffer
with all gradients and the loss. MPI promises that all ranks receive identical sums (MPI 4.0, section 6.9.6), so all
take the same step and keep the same weights to the last bit, without ever sending a weight. At every checkpoint they
compare the weights. (A second all-reduce per step, of two numbers, asks whether any rank wants to save or to stop.)

``--batch`` is the batch of all ranks together. The number of ranks changes which rank computes what, and not what is
computed, and a run can be resumed with another number. Only rank 0 writes and prints. All ranks must be able to read
the text or the handwriting and the folder of the run. If a rank dies, all end; last.npz is then the last checkpoint.

mpi4py is loaded only under mpiexec (of Open MPI, MPICH or their kin), which sets the number of processes in the
environment.
"""

import functools
import os
import sys
import time
import zlib

import numpy as np
from threadpoolctl import threadpool_limits

from minirnn import backend
from minirnn.errors import MinirnnError, run_command
from minirnn.training.threads import Workers, cut

HOW_MANY = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE")  # the names that the mpiexec of Open MPI and of MPICH use


@functools.cache
def world():
    """mpi4py's communicator of all ranks; None where there is only one."""
    count = max(int(os.environ.get(name, 1)) for name in HOW_MANY)
    if count == 1:
        return None
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        raise MinirnnError(f"mpiexec needs mpi4py ({error}); pip install 'minirnn[mpi]'") from None
    if MPI.COMM_WORLD.Get_size() != count:
        raise MinirnnError(
            f"mpiexec started {count} processes, but mpi4py knows of {MPI.COMM_WORLD.Get_size()}: they belong to "
            "different MPI libraries; use the mpiexec of mpi4py's own"
        )
    return MPI.COMM_WORLD


def workers(threads):
    """The workers of a training run: `Ranks` under mpiexec, otherwise `minirnn.training.threads.Workers`."""
    return Workers(threads) if world() is None else Ranks(threads)


def rank():
    """The number of this process among the others, from 0; 0 without mpiexec."""
    return 0 if world() is None else world().Get_rank()


def broadcast(value):
    """Send ``value`` from rank 0 to all others, which wait for it in `received`."""
    if world() is not None:
        world().bcast(value)


def received():
    """The value that rank 0 sends with `broadcast`."""
    return world().bcast(None)


def run(main):
    """`run_command` for a command that may run under mpiexec: an error on one rank ends all of them."""
    code = run_command(main)
    if code and "mpi4py.MPI" in sys.modules:
        world = sys.modules["mpi4py.MPI"].COMM_WORLD
        print(f"minirnn: rank {world.Get_rank()} ends the job", file=sys.stderr, flush=True)
        time.sleep(1)  # mpiexec passes on what was printed, but not after the end
        world.Abort(code)  # the others may be waiting for this one, and would never stop
    return code


def _wait_for(request):
    """Wait until ``request`` is done. MPI's own waiting keeps a core busy, which rank 0 may need to write a page; this
    loop tests less and less often, at last once per millisecond."""
    pause = 0.0
    while not request.Test():
        time.sleep(pause)
        pause = min(pause + 1e-6, 1e-3)


class Ranks(Workers):
    """This process among the others. Every method that communicates has to be called by all of them."""

    def __init__(self, threads):
        super().__init__(threads)
        self.world = world()
        self.rank, self.ranks = self.world.Get_rank(), self.world.Get_size()
        threadpool_limits(threads, user_api="blas")  # the other cores may belong to other ranks

    def sequences(self, B):
        """Which of B sequences each thread of this rank takes, as slices."""
        shares = cut(0, B, self.ranks)
        if self.rank >= len(shares):
            return []  # fewer sequences than ranks: this one adds nothing
        own = shares[self.rank]
        return cut(own.start, own.stop, self.count)

    def add_up(self, loss, gradients):
        """The sum over all ranks of their shares of a mean loss and of its gradients."""
        parts = [backend.to_host(g).ravel() for g in gradients.values()]
        flat = np.concatenate([*parts, [loss]], dtype=parts[0].dtype if parts else np.float64)
        self._sum(flat)
        total, start = {}, 0
        for name, g in gradients.items():
            total[name] = np.asarray(flat[start : start + g.size].reshape(g.shape), like=g)
            start += g.size
        return float(flat[-1]), total

    def _sum(self, flat):
        from mpi4py import MPI

        _wait_for(self.world.Iallreduce(MPI.IN_PLACE, flat))

    def agreed(self, value):
        """The ``value`` of rank 0, on all ranks."""
        return self.world.bcast(value)

    def any(self, *flags):
        """For each flag, whether any rank raises it."""
        votes = np.array(flags, np.int64)
        self._sum(votes)
        return [bool(vote) for vote in votes]

    def gather(self, states):
        """The states of all shares, in the order of their sequences, on rank 0; [] on the others."""
        found = self.world.gather(backend.tree_map(backend.to_host, states))
        return [share for of_rank in found for share in of_rank] if self.rank == 0 else []

    def check_same(self, params):
        """Raises MinirnnError if the ranks do not have the same weights."""
        mark = 0
        for a in params.values():
            mark = zlib.crc32(np.ascontiguousarray(backend.to_host(a)), mark)
        marks = self.world.allgather(mark)
        if len(set(marks)) > 1:
            raise MinirnnError(
                "the ranks have come to different weights; use machines of one kind, with the same NumPy, and continue "
                "from the last checkpoint with --resume"
            )

    def wait(self):
        """Wait until all ranks have called this."""
        _wait_for(self.world.Ibarrier())
