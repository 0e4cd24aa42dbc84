"""Pictures that people have are read: found, made 28 x 28 as MNIST was, and put in order."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

import scratchcnn as sc
from scratchcnn.pictures.packaged import CHECKSUM, FILE
from support.pictures import DECIDING, FONTS, REPORTED, line_of, share_read
from support.processes import ROOT

pytestmark = pytest.mark.usefixtures("reference")


def test_the_packaged_model_reads_most_of_sixty_pictures():
    assert share_read(REPORTED, 60, widest=600) >= 0.93


@pytest.mark.slow
def test_the_packaged_model_reads_97_percent_of_500_pictures():
    assert share_read(REPORTED, 500, widest=4000) >= 0.97


def test_the_two_splits_share_no_hand_and_no_font():
    assert not {shape for hand in DECIDING.hands for shape in hand} & {s for hand in REPORTED.hands for s in hand}
    assert not set(DECIDING.fonts) & set(REPORTED.fonts) and DECIDING.seed != REPORTED.seed


def test_the_packaged_model_is_small_and_the_one_that_is_documented():
    assert FILE.stat().st_size < 150_000
    assert sc.recipes.checksum(sc.pictures.packaged_model()) == CHECKSUM
    assert CHECKSUM in FILE.with_name("README.md").read_text(encoding="utf-8")


def test_images_of_mnist_are_read_as_the_network_itself_reads_them():
    (x, y), _ = sc.data.load_data("digits")
    read = np.array([sc.read_digit(image).label for image in x[:100]])
    assert (read == y[:100]).mean() >= 0.97


def five(size=(300, 400)):
    """Return a dark 5 on light paper, right of the middle: (H, W) of uint8."""
    page = Image.new("L", (500, 500), 220)
    for points in ([(330, 120), (230, 120), (220, 220)], [(220, 220), (290, 210), (320, 270), (280, 340), (210, 330)]):
        ImageDraw.Draw(page).line(points, fill=40, width=18, joint="curve")
    return np.asarray(page.resize((size[1], size[0])))


@pytest.mark.parametrize("light_on_dark", [False, True])
@pytest.mark.parametrize(
    "form",
    {
        "uint8": lambda a: a,
        "one channel": lambda a: a[..., None],
        "colours": lambda a: np.repeat(a[..., None], 3, axis=2),
        "uint16": lambda a: a.astype(np.uint16) * 257,
        "floats": lambda a: a / 255,
        "a mask": lambda a: a > 128,
        "a mask of bytes": lambda a: (a > 128).astype(np.uint8),
        "grey and opacity": lambda a: np.stack([a, np.full_like(a, 255)], axis=2),
        "PIL of floats": lambda a: Image.fromarray(a.astype(np.float32)),
        "PIL of integers": lambda a: Image.fromarray(a.astype(np.int32)),
        "a list": lambda a: a.tolist(),
        "PIL": Image.fromarray,
        "palette": lambda a: Image.fromarray(a).convert("P"),
        "RGBA": lambda a: Image.fromarray(a).convert("RGBA"),
        "16 bits": lambda a: Image.fromarray(a.astype(np.uint16) * 257),
    }.items(),
    ids=lambda form: form[0],
)
def test_every_form_of_a_picture_is_read(form, light_on_dark):
    page = 255 - five() if light_on_dark else five()
    assert sc.read_digit(form[1](page)).label == 5


@pytest.mark.parametrize("ink", [0, 128, 250, 255])
def test_a_drawing_on_nothing_is_read_whatever_its_colour(ink, tmp_path):
    drawing = np.full((300, 300, 4), ink, np.uint8)
    drawing[..., 3] = np.where(five((300, 300)) < 128, 255, 0)  # transparent elsewhere
    assert sc.read_digit(drawing).label == 5
    Image.fromarray(drawing).quantize(4).save(tmp_path / "1.png")
    assert sc.read_digit(tmp_path / "1.png").label == 5


def test_a_phone_held_upright_gives_boxes_in_the_upright_picture(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    lying = Image.fromarray(np.rot90(five((2000, 1500))))
    lying.save(tmp_path / "1.jpg", exif=exif)
    digit, upright = sc.read_digit(tmp_path / "1.jpg"), sc.read_digit(five((2000, 1500)))
    assert digit.label == upright.label == 5
    np.testing.assert_allclose(digit.box, upright.box, atol=12)


def test_the_box_surrounds_the_ink():
    page = np.full((240, 320), 230, np.uint8)
    page[60:160, 100:112] = 20  # a one
    np.testing.assert_allclose(sc.read_digit(page).box, (100, 60, 112, 160), atol=2)


def test_twelve_megapixels_and_a_file_of_a_phone_are_reduced(tmp_path):
    Image.fromarray(five((3000, 4000))).convert("RGB").save(tmp_path / "1.jpg")
    levels = sc.pictures.finding.levels_of(tmp_path / "1.jpg")
    assert max(levels.pixels.shape) <= 1000 and levels.size == (4000, 3000)
    assert sc.read_digit(tmp_path / "1.jpg").label == 5


def test_several_digits_are_read_line_by_line_from_left_to_right():
    found = sc.read_digits(line_of(DECIDING, "324\n590", 4))
    assert "".join(str(digit.label) for digit in found) == "324590"
    assert found[0].box[0] < found[1].box[0] < found[2].box[0] and found[2].box[1] < found[3].box[1]


def printed(text, font, size=90):
    """Return a picture of a line of text, black on white."""
    font = ImageFont.truetype(str(FONTS / f"{font}.ttf"), size)
    page = Image.new("L", (len(text) * size, 2 * size), 255)
    ImageDraw.Draw(page).text((size // 4, size // 4), text, fill=0, font=font)
    return page


@pytest.mark.parametrize("font", DECIDING.fonts)
@pytest.mark.parametrize("size", [20, 90])
def test_digits_that_nearly_touch_are_told_apart(font, size):
    digits = sc.read_digits(printed("0123456789", font, size))
    assert "".join(str(digit.label) for digit in digits) == "0123456789"


def framed(draw):
    draw.rectangle((10, 10, 190, 210), outline=0, width=5)
    draw.rectangle((10 + 190, 10, 190 + 190, 210), outline=0, width=5)


@pytest.mark.parametrize(
    "mark",
    [
        framed,
        lambda draw: draw.ellipse((5, 5, 395, 215), outline=0, width=5),
        lambda draw: draw.line((40, 180, 330, 180), fill=0, width=6),
        lambda draw: draw.line((40, 30, 330, 30), fill=0, width=6),
        lambda draw: [draw.line((left, 165, left + 100, 165), fill=0, width=6) for left in (60, 230)],
    ],
    ids=["frames", "a circle", "underlined", "a line above", "underlined one by one"],
)
def test_frames_and_lines_are_no_digits(mark):
    page = Image.new("L", (400, 220), 255)
    draw = ImageDraw.Draw(page)
    for left, digit in ((70, "4"), (240, "2")):
        draw.text((left, 40), digit, fill=0, font=ImageFont.truetype(str(FONTS / "DejaVuSans.ttf"), 120))
    mark(draw)
    assert [digit.label for digit in sc.read_digits(page)] == [4, 2]


def test_strokes_that_a_pen_broke_are_one_digit():
    page = Image.new("L", (300, 300), 255)
    draw = ImageDraw.Draw(page)
    draw.line([(120, 60), (90, 160), (170, 160)], fill=0, width=12)  # a four: its stroke on the right stands alone
    draw.line([(185, 60), (185, 230)], fill=0, width=12)
    (digit,) = sc.read_digits(page)
    assert digit.label == 4
    np.testing.assert_allclose(digit.box, (84, 60, 191, 230), atol=4)


def test_a_digit_is_centred_by_mass_and_fits_a_box_of_20_pixels():
    image = sc.read_digit(five()).image
    assert (image.dtype, image.shape, image.max()) == (np.uint8, (28, 28), 255)
    rows, columns = np.nonzero(image > 40)
    assert 19 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 22
    y, x = (np.average(np.arange(28) + 0.5, weights=image.sum(axis=axis)) for axis in (1, 0))
    assert abs(y - 14) < 0.2 and abs(x - 14) < 0.2


def test_another_model_reads_and_one_of_other_images_is_refused():
    model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(3)], input_shape=(28, 28, 1))
    assert len(sc.read_digit(five(), model).probabilities) == 3
    with pytest.raises(ValueError, match=r"model must take images \(28, 28, 1\), this one takes \(32, 32, 3\)"):
        sc.read_digit(five(), sc.Sequential([sc.Flatten(), sc.Dense(3)], input_shape=(32, 32, 3)))
    with pytest.raises(ValueError, match="model must be a Sequential"):
        sc.read_digit(five(), "model.npz")


@pytest.mark.parametrize("loss", [sc.MeanSquaredError(), sc.BinaryCrossEntropy()])
@pytest.mark.parametrize("units", [1, 3])
def test_a_model_that_answers_with_no_probabilities_of_classes_is_refused(loss, units):
    model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(units)], input_shape=(28, 28, 1))
    model.compile(loss=loss)
    with pytest.raises(ValueError, match=r"model must answer with the probability of each class.*sc.Dense\(10\)"):
        sc.read_digit(five(), model)


@pytest.mark.parametrize("together", [False, True])
def test_a_model_that_was_trained_on_numbers_up_to_1_is_given_such(together):
    (x, y), _ = sc.data.load_data("digits")
    model = sc.Sequential([sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    model.compile(sc.Adam(1e-2))
    model.fit(x[:500] / 255, y[:500], epochs=5, verbose=0)
    reader = sc.Ensemble([model]) if together else model
    digit = sc.read_digit(five(), reader)  # a warning is an error here
    image = digit.image[np.newaxis, :, :, np.newaxis]
    np.testing.assert_allclose(digit.probabilities, model.predict(image / 255)[0], atol=1e-6)


def stroke():
    page = np.full((300, 600), 255, np.uint8)
    page[140:170, 100:200] = 0
    return page


def broken(path, content):
    path.write_bytes(content)
    return path


def jpeg():
    buffer = io.BytesIO()
    Image.fromarray(five()).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("make", "message"),
    {
        "blank": (lambda folder: np.full((200, 200), 200, np.uint8), "no ink.*take the picture in better light"),
        "noise": (lambda folder: np.random.default_rng(0).integers(90, 160, (300, 300), np.uint8), "no ink|pieces"),
        "two digits": (lambda folder: np.concatenate([five(), five()], axis=1), "2 digits.*sc.read_digits"),
        "no file": (lambda folder: folder / "none.png", "there is no file .*none.png"),
        "a folder": (lambda folder: folder, "is a folder, expected a picture"),
        "text": (lambda folder: broken(folder / "1.png", b"seven"), "no picture that can be read"),
        "empty": (lambda folder: broken(folder / "1.png", b""), "an empty file, of 0 bytes"),
        "text, what to do": (lambda folder: broken(folder / "1.png", b"seven"), "convert it to one of these$"),
        "HEIC": (lambda folder: broken(folder / "1.jpg", b"\0\0\0\x18ftypheic"), "export it as JPEG"),
        "cut off": (lambda folder: broken(folder / "1.jpg", jpeg()[:2000]), "copy it once more"),
        "bomb": (lambda folder: broken(folder / "1.ppm", b"P5 99999 99999 255\n"), "save it smaller"),
        "a batch": (lambda folder: np.zeros((9, 28, 28), np.uint8), "one picture at a time"),
        "channels first": (lambda folder: np.zeros((3, 28, 28), np.uint8), r"transpose\(1, 2, 0\)"),
        "flattened": (lambda folder: np.zeros(784, np.uint8), r"reshape\(28, 28\)"),
        "no pixels": (lambda folder: np.zeros((0, 28), np.uint8), "no pixels"),
        "negative": (lambda folder: np.array([[-1.0, 1.0]]), "pixels must be from 0 to 255"),
        "not a number": (lambda folder: np.array([[np.nan, 1.0]]), r"1 of the picture's 2 numbers are NaN.*np.where\("),
        "masked": (lambda folder: np.ma.masked_less(five(), 100), r"picture.filled\("),
        "objects": (lambda folder: five().astype(object), r"pass picture.astype\(float\)"),
        "a stroke across": (lambda folder: stroke(), "3.. times as wide as it is high.*leave gaps"),
        "bytes": (lambda folder: jpeg(), "io.BytesIO"),
        "nothing": (lambda folder: None, "a picture is a path, a PIL image or an array"),
    }.values(),
)
def test_what_cannot_be_read_is_told_why(make, message, tmp_path):
    with pytest.raises(sc.pictures.PictureError, match=message):
        sc.read_digit(make(tmp_path))


def test_components_are_those_of_a_search_pixel_by_pixel():
    mask = np.random.default_rng(3).random((40, 50)) < 0.4
    found = sc.pictures.finding.components(mask)
    assert np.array_equal(found.labels > 0, mask)
    labels = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape), 0)
    for _ in range(mask.size):  # hand the highest number on to the eight neighbours, until nothing changes
        padded = np.pad(labels, 1)
        around = [padded[r : r + 40, c : c + 50] for r in range(3) for c in range(3)]
        if np.array_equal(spread := np.max(around, axis=0) * mask, labels):
            break
        labels = spread
    assert len(np.unique(labels)) - 1 == len(found.areas)
    assert len(np.unique(np.stack([labels[mask], found.labels[mask]], axis=1), axis=0)) == len(found.areas)
    assert np.array_equal(found.areas, np.bincount(found.labels[mask])[1:])


def test_importing_the_library_does_not_import_pillow():
    program = "import sys, scratchcnn; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0


def test_the_example_prints_what_the_network_sees_and_the_number(tmp_path):
    line_of(DECIDING, "42\n7", 4).save(tmp_path / "1.png")
    (tmp_path / "0.png").write_text("no picture")
    script = ROOT / "examples" / "read_digits.py"
    assert len(script.read_text(encoding="utf-8").splitlines()) <= 45
    environment = {**os.environ, "SCRATCHCNN_BACKEND": "reference", "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, script, tmp_path / "0.png", tmp_path / "1.png"]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and "0.png is no picture that can be read" in done.stderr
    assert done.stdout.rstrip().endswith("1.png says 42 7")
