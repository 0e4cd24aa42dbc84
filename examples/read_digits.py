"""Read the digits in pictures: photographs, scans, screenshots, drawings.

    python examples/read_digits.py photo.jpg scan.png
    python examples/read_digits.py photo.jpg --model output/model.npz

How a digit is found and made 28 x 28 pixels is in ``scratchcnn/pictures``.
"""

import argparse

import scratchcnn as sc


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pictures", nargs="+", metavar="PICTURE", help="dark on light, or light on dark")
    parser.add_argument(
        "--model", metavar="FILE", help="trained on MNIST; default: the one that comes with the package"
    )
    arguments = parser.parse_args()
    sc.ops.use("reference")  # plain NumPy: the compiled kernels pay for many images, these are few
    try:
        model = sc.load_model(arguments.model) if arguments.model else sc.pictures.packaged_model()
        for path in arguments.pictures:
            digits = sc.read_digits(path, model)
            for digit in digits:
                left, top, right, bottom = digit.box
                print(f"\n{path}, from ({left}, {top}) to ({right}, {bottom}):\n")
                print(sc.terminal.digit(digit.image, digit.probabilities))
            print(f"\n{path} says {''.join(str(digit.label) for digit in digits)}")
    except (ValueError, OSError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
