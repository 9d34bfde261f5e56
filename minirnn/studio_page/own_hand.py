"""What the page asks for on the way to a hand of one's own: the sheet, photographs, what was found, the training."""

from minirnn.errors import MinirnnError
from minirnn.forms.geometry import PAPERS
from minirnn.web.local_server import Content, texts


class OwnHandAnswers:
    """The answers about ``own`` (`minirnn.studio_page.own_hands.OwnHands`); ``jobs`` reads, with the reader that
    ``reading()`` gives, or None."""

    def __init__(self, own, jobs, reading):
        self.own, self.jobs, self.reading = own, jobs, reading

    def routes(self):
        """Answers to GET, to POST and to uploads, by their paths."""
        get = {"sheet": self.sheet, "own": self.state, "found": self.found}
        post = {"read-sheet": self.read, "remove-photo": self.remove, "train": self.train, "stop": self.stop}
        return get, post, {"photo": self.photo}

    def sheet(self, query):
        """The sheet to print, on the paper ``paper``."""
        paper = query.get("paper", "a4")
        if paper not in PAPERS:
            raise MinirnnError(f"there is no sheet for {paper!r}; there are {', '.join(PAPERS)}")
        from minirnn.forms.printing import sheet_pdf  # matplotlib takes a second to load

        return Content("application/pdf", sheet_pdf(paper))

    def state(self, query):
        """The names of all hands; of the one called ``name`` also its photographs, what was found, its trainings."""
        name, names = query.get("name", ""), self.own.names()
        hands = [{"name": other, "ready": self.own.weights(other) is not None} for other in names]
        if name not in names:
            return {"hands": hands}
        runs = self.own.runs(name)
        return {
            "hands": hands, "photos": [path.name for path in self.own.photos(name)], "report": self.own.report(name),
            "run": str(runs[-1]) if runs else None, "training": bool(runs) and self.own.is_training(runs[-1]),
            "failed": self.own.failed(name),
        }  # fmt: skip

    def found(self, query):
        """The picture of what was found on the page ``number`` of the hand ``name``."""
        path = self.own.found_picture(query.get("name", ""), query.get("number", ""))
        return Content("image/png", path.read_bytes())

    def photo(self, query, data):
        """Keep a photograph of the hand ``name``, called ``photo``."""
        self.own.add_photo(query.get("name", ""), query.get("photo", ""), data)
        return self.state(query)

    def remove(self, asked):
        """Forget a photograph."""
        name, photo = texts(asked, "name", "photo")
        self.own.remove_photo(name, photo)
        return self.state({"name": name})

    def read(self, asked):
        """Start to read the photographs of a hand."""
        (name,) = texts(asked, "name")
        count = len(self.own.photos(name))
        return self.jobs.start(
            lambda job: self.own.read(
                name, self.reading(), lambda done: job.report(done, count, f"reading photograph {done + 1} of {count}")
            )
        )

    def train(self, asked):
        """Start a training, or continue the newest one."""
        (name,) = texts(asked, "name")
        self.own.train(name, asked.get("continue") is True)
        return self.state({"name": name})

    def stop(self, asked):
        """Let the training of a hand save and end."""
        (name,) = texts(asked, "name")
        for run in self.own.runs(name):
            self.own.stop(run)
        return self.state({"name": name})
