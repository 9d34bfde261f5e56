"""Work that takes long: it goes on beside the page, says how far it is, and can be cancelled."""

import collections
import secrets
import threading

from minirnn.errors import MinirnnError
from minirnn.web.local_server import show_fault, texts

KEPT = 50  # jobs whose results can still be asked for


class Cancelled(Exception):
    """The job was cancelled."""


class Job:
    """One piece of work. ``state`` is "waiting", "running", "done", "failed" or "cancelled"."""

    def __init__(self):
        self.state, self.done, self.of, self.what = "waiting", 0, 0, ""
        self.result, self.error, self._cancelled = None, "", threading.Event()

    def report(self, done, of, what=""):
        """Say that ``done`` of ``of`` parts are done, and what comes now. Raises `Cancelled` if it was cancelled."""
        self.done, self.of, self.what = done, of, what
        if self._cancelled.is_set():
            raise Cancelled

    def cancel(self):
        """Let the job end at its next report."""
        self._cancelled.set()

    def run(self, work, turn):
        """Do the work when it is its turn, and keep what it gives, or why it gives nothing."""
        try:
            while not turn.acquire(timeout=0.1):
                self.report(0, 0, "waiting for other work")
            try:
                self.state = "running"
                self.report(0, 0)
                self.result, self.state = work(self), "done"
            finally:
                turn.release()
        except Cancelled:
            self.state = "cancelled"
        except MinirnnError as error:
            self.error, self.state = str(error), "failed"
        except Exception:
            show_fault()
            self.error, self.state = "this is a fault of the program; its window says more", "failed"


class Jobs:
    """The work of the page, one piece after the other. A job is known by a word that only the page that asked for it
    has, so that several pages do not disturb each other."""

    def __init__(self):
        self._jobs, self._turn = collections.OrderedDict(), threading.Lock()

    def start(self, work):
        """Start ``work(job)``, which reports to its `Job` -> {"job": the word by which to ask for it}."""
        name, job = secrets.token_urlsafe(9), Job()
        self._jobs[name] = job
        while len(self._jobs) > KEPT:
            self._jobs.popitem(last=False)[1].cancel()
        threading.Thread(target=job.run, args=(work, self._turn), daemon=True).start()
        return {"job": name}

    def get(self, query):
        """The `Job` that a query names."""
        job = self._jobs.get(query.get("job"))
        if job is None:
            raise MinirnnError("there is no such work any more; start it again")
        return job

    def state(self, query):
        """How far a job is."""
        job = self.get(query)
        return {"state": job.state, "done": job.done, "of": job.of, "what": job.what, "error": job.error}

    def result(self, query):
        """What a job that is done has made."""
        job = self.get(query)
        if job.state != "done":
            raise MinirnnError("this work is not done")
        return job.result

    def cancel(self, asked):
        """Cancel a job."""
        (name,) = texts(asked, "job")
        self.get({"job": name}).cancel()
        return {}
