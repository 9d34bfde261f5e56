"""Batches that are made ahead of time by other processes, since encoding is Python code and the network is not."""

from minirnn.cores import process_pool

AHEAD = 8  # batches that are made before they are needed


class MadeAhead:
    """A source of batches, to be derived from: ``count(epoch)`` is the number of batches of an epoch, and
    ``make(epoch, number)`` makes one of them, the same whoever calls it.

    processes  how many make batches ahead of time; 0: none
    """

    def __init__(self, processes):
        self._processes, self._pool, self._coming = processes, None, {}

    def __getstate__(self):
        return {**self.__dict__, "_pool": None, "_coming": {}}  # for the processes, which have none of their own

    def batch(self, epoch, number):
        """The batch, made ahead or now. The processes are then asked for the batches after it."""
        if not self._processes:
            return self.make(epoch, number)
        if self._pool is None:
            self._pool = process_pool(self._processes, _begin, self)
        later = [(epoch, n) for n in range(number, self.count(epoch))][:AHEAD]
        if len(later) < AHEAD:
            later += [(epoch + 1, n) for n in range(self.count(epoch + 1))][: AHEAD - len(later)]
        self._coming = {key: self._coming.get(key) or self._pool.submit(_make, *key) for key in later}
        return self._coming[epoch, number].result()


_batches = None  # of which a process makes batches


def _begin(batches):
    """Prepare a process that makes batches."""
    global _batches
    _batches = batches


def _make(epoch, number):
    return _batches.make(epoch, number)
