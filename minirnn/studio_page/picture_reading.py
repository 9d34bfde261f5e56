"""What the page asks for to read a picture: its lines, how sure every character is, and where the line stands."""

import io
import pathlib
import tempfile

import numpy as np
from PIL import Image

from minirnn.errors import MinirnnError
from minirnn.images.image_files import read_image
from minirnn.images.pipeline import read_page
from minirnn.ink.strokes import bounding_box
from minirnn.web.local_server import Content

LARGEST_SIDE = 1600  # pixels of the picture that is shown


class PictureReading:
    """The answers about pictures; ``jobs`` reads them with the reader that ``reading()`` gives, or None."""

    def __init__(self, jobs, reading):
        self.jobs, self.reading = jobs, reading

    def routes(self):
        """Answers to GET, to POST and to uploads, by their paths."""
        return {"shown": self.shown}, {}, {"read": self.read}

    def read(self, query, data):
        """Start to read a picture, whose bytes are given."""
        if self.reading() is None:
            raise MinirnnError(
                "there are no weights for reading in this installation; start the studio with --reader RUN, a run of "
                "minirnn.train --task read"
            )
        return self.jobs.start(lambda job: self._page(data, job))

    def _page(self, data, job):
        """The lines of a picture and the picture itself; ``job`` is told how far it is."""
        grey = picture_of(data)
        job.report(0, 0, "looking for the lines")
        _, lines = read_page(grey)
        if not lines:
            raise MinirnnError("no handwriting was found in this picture; take one with darker ink, or nearer")
        reader, found = self.reading(), []
        for number, line in enumerate(lines):
            job.report(number, len(lines), f"reading line {number + 1} of {len(lines)}")
            (reading,) = reader.read_strokes([line.strokes])
            found.append({
                "text": reading.text, "doubtful": reading.doubtful,
                "box": [round(float(n), 1) for n in bounding_box(line.strokes)],
            })  # fmt: skip
        height, width = grey.shape
        return {"width": width, "height": height, "lines": found, "picture": _shown(grey)}

    def shown(self, query):
        """The picture of a job that has read one."""
        result = self.jobs.result(query)
        if not isinstance(result, dict) or "picture" not in result:
            raise MinirnnError("this work has no picture")
        return result["picture"]


def picture_of(data):
    """The grey levels (H, W) of a picture, given as bytes. MinirnnError if it is none."""
    with tempfile.TemporaryDirectory(prefix="minirnn-") as folder:
        path = pathlib.Path(folder) / "picture"
        path.write_bytes(data)
        try:
            return read_image(path)
        except MinirnnError as error:
            raise MinirnnError(str(error).replace(str(path), "this picture")) from None


def _shown(grey):
    """A picture as PNG, no larger than is of use on a screen."""
    image = Image.fromarray(np.round(grey * 255).astype(np.uint8))
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    memory = io.BytesIO()
    image.save(memory, "PNG", compress_level=1)
    return Content("image/png", memory.getvalue())
