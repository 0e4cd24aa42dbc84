"""What Pillow reads, as bytes: sixteen bits, palettes, transparency; and what is no picture for this library."""

import os

import numpy as np
import pytest
from PIL import Image

import scratchcnn as sc

RAMP = np.array([[0, 128, 255]], np.uint8)


def loaded(folder, save, name="1.png", **options):
    """Return the one picture in a folder, which ``save`` writes to the path it is given."""
    (folder / "a").mkdir(exist_ok=True)
    save(folder / "a" / name)
    return sc.data.load_folder(folder, **options)[0][0]


def pgm_of_16_bits(path):
    path.write_bytes(b"P5 3 1 65535\n" + (RAMP.astype(">u2") * 257).tobytes())


@pytest.mark.parametrize("name", ["1.png", "1.tif", "1.pgm", "big.tif"])
def test_sixteen_bits_are_scaled_to_eight(name, tmp_path):
    def save(path):
        if name == "1.pgm":
            return pgm_of_16_bits(path)
        dtype, mode = (">u2", "I;16B") if name == "big.tif" else ("<u2", "I;16")
        Image.frombytes(mode, (3, 1), (RAMP.astype(dtype) * 257).tobytes()).save(path)

    for mode in (None, "L"):
        np.testing.assert_array_equal(loaded(tmp_path, save, name, mode=mode), RAMP)


@pytest.mark.parametrize(("dtype", "scaled"), [(np.float32, 1 / 255), (np.int32, 257)])
def test_floats_and_integers_of_32_bits_are_refused_and_the_advice_works(dtype, scaled, tmp_path):
    def save(path):
        Image.fromarray((RAMP * np.float64(scaled)).astype(dtype)).save(path)

    with pytest.raises(ValueError, match=r"its pixels are .*, expected 8 or 16 bits") as error:
        loaded(tmp_path, save, "1.tif")
    advice = str(error.value).partition(": a = ")[2]
    exec(f"a = {advice}", {"np": np, "Image": Image, "path": tmp_path / "a" / "1.tif"})
    np.testing.assert_array_equal(sc.data.load_folder(tmp_path)[0][0], RAMP)


def drawing(mode):
    """Return a black stroke beside nothing: the first pixel is opaque, the second has no opacity."""
    if mode == "P":
        picture = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
        picture.putpalette([0, 0, 0, 0, 0, 0])
        return picture, {"transparency": 1}
    if mode == "L":
        return Image.fromarray(np.array([[0, 7]], np.uint8)), {"transparency": 7}
    return Image.fromarray(np.array([[[0] * (len(mode) - 1) + [255], [0] * len(mode)]], np.uint8), mode), {}


@pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated")
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L"])
def test_what_is_transparent_lies_on_white(mode, tmp_path):
    picture, options = drawing(mode)
    image = loaded(tmp_path, lambda path: picture.save(path, **options))
    assert image.shape == ((1, 2, 3) if mode == "RGBA" else (1, 2))
    assert (image[0, 0] == 0).all() and (image[0, 1] == 255).all()


@pytest.mark.parametrize("name", ["1.png", "1.gif"])
@pytest.mark.parametrize(("colour", "shape"), [([200, 200, 200], (1, 2)), ([200, 0, 0], (1, 2, 3))])
def test_a_palette_of_greys_is_grey_and_one_of_colours_is_not(colour, shape, name, tmp_path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([*colour, 9, 9, 9])
    image = loaded(tmp_path, picture.save, name)
    assert image.shape == shape and image.flat[0] == 200


def test_an_animation_is_its_first_picture(tmp_path):
    frames = [Image.fromarray(np.full((2, 2), value, np.uint8)) for value in (50, 200)]
    image = loaded(tmp_path, lambda path: frames[0].save(path, save_all=True, append_images=frames[1:]), "1.gif")
    assert (image == 50).all()


@pytest.mark.parametrize("suffix", ["jfif", "jpe", "TIF", "pbm", "pnm"])
def test_all_endings_of_the_formats_are_pictures(suffix, tmp_path):
    kind = {"jfif": "JPEG", "jpe": "JPEG", "TIF": "TIFF"}.get(suffix, "PPM")
    image = Image.new("1" if suffix == "pbm" else "L", (2, 2), 255)
    assert (loaded(tmp_path, lambda path: image.save(path, kind), f"1.{suffix}") == 255).all()


def test_postscript_is_not_run_whatever_its_name(tmp_path):
    content = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 2 2\n%%EndComments\nshowpage\n%%EOF\n"
    with pytest.raises(ValueError, match="its content is none of PNG, JPEG"):
        loaded(tmp_path, lambda path: path.write_bytes(content))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no FIFOs in folders")
def test_a_fifo_is_refused_at_once(tmp_path):
    with pytest.raises(OSError, match="a FIFO"):
        loaded(tmp_path, os.mkfifo)
