"""Read the digits in pictures: photographs, scans, screenshots, drawings.

    python examples/read_digits.py photo.jpg scan.png
    python examples/read_digits.py photo.jpg --model output/model.npz

How a digit is found and made 28 x 28 pixels is in ``scratchcnn/pictures``.
"""

import argparse
import sys

import scratchcnn as sc
from scratchcnn.commands.models import load
from scratchcnn.commands.read import number

parser = argparse.ArgumentParser(description="Read the digits in pictures.")
parser.add_argument("pictures", nargs="+", metavar="PICTURE", help="dark on light, or light on dark")
parser.add_argument("--model", metavar="FILE", help="trained on MNIST; default: the one that comes with the package")
options = parser.parse_args()
sc.ops.use("reference")  # plain NumPy: the compiled kernels pay for many images, these are few
try:
    model = load(options.model) if options.model else sc.pictures.packaged_model()
except (ValueError, OSError) as error:
    sys.exit(str(error))

status = 0
for path in options.pictures:
    try:
        digits = sc.read_digits(path, model)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        status = 1
        continue
    for digit in digits:
        left, top, right, bottom = digit.box
        print(f"\n{path}, from ({left}, {top}) to ({right}, {bottom}):\n")
        print(sc.terminal.digit(digit.image, digit.probabilities))  # what the network sees, and what it makes of it
    print(f"\n{path} says {number(digits)}")
sys.exit(status)
