"""Whatever the file, grey levels come out, or one line that says why not."""

import numpy as np
import pytest
from PIL import Image

from minirnn.errors import MinirnnError
from minirnn.images import image_files

LEFT_BLACK = np.full((6, 10), 255, np.uint8)
LEFT_BLACK[:, :3] = 0


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1", "CMYK", "LA", "RGBA", "YCbCr", "I", "F"])
def test_every_mode_gives_the_same_grey_levels(tmp_path, mode):
    path = tmp_path / "page.tiff"
    Image.fromarray(LEFT_BLACK).convert(mode).save(path)
    grey = image_files.read_image(path)
    assert grey.shape == (6, 10)
    assert grey.dtype == np.float64
    np.testing.assert_allclose(grey, LEFT_BLACK / 255, atol=0.01)


def test_sixteen_bits_are_not_clipped(tmp_path):
    path = tmp_path / "deep.png"
    levels = np.linspace(0, 40000, 60).reshape(6, 10).astype(np.uint16)
    Image.fromarray(levels).save(path)
    np.testing.assert_allclose(image_files.read_image(path), levels / 65535, atol=1e-4)


def test_transparent_pixels_are_paper(tmp_path):
    rgba = np.zeros((6, 10, 4), np.uint8)  # black everywhere, but seen only on the left
    rgba[:, :3, 3] = 255
    Image.fromarray(rgba).save(tmp_path / "clear.png")
    np.testing.assert_allclose(image_files.read_image(tmp_path / "clear.png"), LEFT_BLACK / 255)

    palette = Image.fromarray(LEFT_BLACK // 255).convert("P")
    palette.putpalette([0, 0, 0, 0, 0, 0])  # both colours are black, the second is transparent
    palette.save(tmp_path / "clear.gif", transparency=1)
    np.testing.assert_allclose(image_files.read_image(tmp_path / "clear.gif"), LEFT_BLACK / 255)


def test_a_camera_held_sideways_is_turned_upright(tmp_path):
    upright = Image.fromarray(LEFT_BLACK)
    exif = Image.Exif()
    exif[0x0112] = 6  # the picture was stored turned, and must be turned clockwise to be seen
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_allclose(image_files.read_image(tmp_path / "turned.png"), LEFT_BLACK / 255)


@pytest.mark.parametrize("content", [b"", b"no image at all", b"\x89PNG\r\n\x1a\n and then nothing"])
def test_what_is_no_image_is_named(tmp_path, content):
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    with pytest.raises(MinirnnError, match=r"broken\.png"):
        image_files.read_image(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tiff", "bmp", "gif"])
def test_a_file_that_is_cut_off_is_an_error_of_one_line(tmp_path, suffix):
    path = tmp_path / f"cut.{suffix}"
    noise = np.random.default_rng(0).integers(0, 255, (80, 80)).astype(np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(MinirnnError) as raised:
        image_files.read_image(path)
    assert "\n" not in str(raised.value)


def test_missing_files_and_folders_are_errors(tmp_path):
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(MinirnnError, match=str(path)):
            image_files.read_image(path)


def test_a_huge_image_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    Image.fromarray(LEFT_BLACK).save(tmp_path / "page.png")
    monkeypatch.setattr(image_files, "MAX_PIXELS", 59)
    with pytest.raises(MinirnnError, match="10 x 6 pixels are too many"):
        image_files.read_image(tmp_path / "page.png")


@pytest.mark.parametrize("limit", [40, 10])
def test_a_huge_image_is_called_huge_and_not_damaged(tmp_path, monkeypatch, limit):
    """Pillow itself refuses what has more than twice as many pixels as it allows."""
    Image.new("L", (10, 10)).save(tmp_path / "huge.png")
    monkeypatch.setattr(image_files, "MAX_PIXELS", 30)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(MinirnnError, match=r"too many.*at most 30.*scale it down"):
        image_files.read_image(tmp_path / "huge.png")


def test_memory_that_runs_out_is_no_damage(tmp_path, monkeypatch):
    Image.new("L", (10, 10)).save(tmp_path / "a.png")

    def greedy(image):
        raise MemoryError

    monkeypatch.setattr(image_files, "_grey_levels", greedy)
    with pytest.raises(MinirnnError, match="needs more memory than there is"):
        image_files.read_image(tmp_path / "a.png")


def test_what_is_saved_is_read_again(tmp_path):
    grey = np.random.default_rng(0).random((5, 7))
    image_files.save_image(tmp_path / "saved.png", grey)
    np.testing.assert_allclose(image_files.read_image(tmp_path / "saved.png"), grey, atol=0.5 / 255 + 1e-9)
