"""The data sets: which files they are made of, where these are published, and the sums that tell them from others.

Everything known about a data set is in ``SOURCES``; the code that searches, downloads and checks is in datasets.py.

A file has two sums. ``sha256`` is that of the published archive; ``content_sha256`` is that of the IDX file inside,
which stays the same when somebody unpacks or recompresses it. The contents' sums are known for MNIST and Fashion-MNIST.
For KMNIST and QMNIST only the archives' are, and for EMNIST only that of the one archive that holds all its files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class IdxFile:
    """One IDX file of a data set, as it is published; an empty sum is not known."""

    name: str
    shape: tuple[int, ...]
    sha256: str = ""
    content_sha256: str = ""
    dtype: str = "uint8"

    @property
    def most_bytes(self) -> int:
        """More than the file can have, packed or not: a download or an archive that goes beyond is something else."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize * 101 // 100 + 4096


@dataclass(frozen=True)
class ZipArchive:
    """An archive that holds the IDX files of several data sets."""

    name: str
    sha256: str
    most_bytes: int


@dataclass(frozen=True)
class TarArchive:
    """An archive of CIFAR-10's binary files."""

    name: str
    sha256: str
    most_bytes: int


@dataclass(frozen=True)
class DataSet:
    """Training images, training labels, test images, test labels, in this order; ``mirrors`` are tried in theirs."""

    files: tuple[IdxFile, ...]
    mirrors: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()  # a folder of the files may be called this; the first is its name in the cache
    classes: int = 10
    archive: ZipArchive | TarArchive | None = None  # holds the files, where they are not published one by one
    first_label: int = 0
    transposed: bool = False

    @property
    def downloads(self) -> tuple[IdxFile | ZipArchive | TarArchive, ...]:
        """What the mirrors serve."""
        return self.files if self.archive is None else (self.archive,)


def _mnist_files(*sums: tuple[str, str], train: int = 60_000, test: int = 10_000) -> tuple[IdxFile, ...]:
    """Return the four files under the names of MNIST, with their archives' and their contents' sums."""
    images, labels = (28, 28), ()
    names_shapes = (
        ("train-images-idx3-ubyte.gz", (train, *images)),
        ("train-labels-idx1-ubyte.gz", (train, *labels)),
        ("t10k-images-idx3-ubyte.gz", (test, *images)),
        ("t10k-labels-idx1-ubyte.gz", (test, *labels)),
    )
    return tuple(IdxFile(name, shape, *both) for (name, shape), both in zip(names_shapes, sums, strict=True))


def _emnist(part: str, train: int, test: int, classes: int, first_label: int = 0) -> DataSet:
    """Return one of the six parts of EMNIST; all of them are in one archive of 562 MB."""
    return DataSet(
        files=(
            IdxFile(f"emnist-{part}-train-images-idx3-ubyte.gz", (train, 28, 28)),
            IdxFile(f"emnist-{part}-train-labels-idx1-ubyte.gz", (train,)),
            IdxFile(f"emnist-{part}-test-images-idx3-ubyte.gz", (test, 28, 28)),
            IdxFile(f"emnist-{part}-test-labels-idx1-ubyte.gz", (test,)),
        ),
        mirrors=(
            "https://biometrics.nist.gov/cs_links/EMNIST/",
            "http://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/",
        ),
        folders=("emnist", f"emnist-{part}", "gzip", "emnist/gzip"),
        classes=classes,
        archive=ZipArchive(
            "gzip.zip", "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e", most_bytes=600_000_000
        ),
        first_label=first_label,
        transposed=True,
    )


SOURCES: dict[str, DataSet] = {
    "mnist": DataSet(
        files=_mnist_files(
            (
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            (
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            (
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            (
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ),
        mirrors=(
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://raw.githubusercontent.com/fgnt/mnist/master/",
        ),
        folders=("mnist", "MNIST/raw"),
    ),
    "fashion_mnist": DataSet(
        files=_mnist_files(
            (
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            ),
            (
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            ),
            (
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            ),
            (
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        ),
        mirrors=(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        folders=("fashion_mnist", "fashion-mnist", "FashionMNIST/raw"),
    ),
    "kmnist": DataSet(
        files=_mnist_files(
            ("51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4", ""),
            ("e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17", ""),
            ("edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5", ""),
            ("20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c", ""),
        ),
        mirrors=(
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "https://storage.googleapis.com/kuzushiji-mnist/",
        ),
        folders=("kmnist", "KMNIST/raw"),
    ),
    "qmnist": DataSet(  # a row of its labels is the class, and seven numbers that lead to NIST's original image
        files=(
            IdxFile(
                "qmnist-train-images-idx3-ubyte.gz",
                (60_000, 28, 28),
                "9e26a7bf1683614e065d7b76460ccd52807165b3f22561fb782bd9f38c52b51d",
            ),
            IdxFile(
                "qmnist-train-labels-idx2-int.gz",
                (60_000, 8),
                "2c05dc77f6b916b38e455e97ab129a42a444f3dbef09b278a366f82904e0dd9f",
                dtype="int32",
            ),
            IdxFile(
                "qmnist-test-images-idx3-ubyte.gz",
                (60_000, 28, 28),
                "43fc22bf7498b8fc98de98369d72f752d0deabc280a43a7bcc364ab19e57b375",
            ),
            IdxFile(
                "qmnist-test-labels-idx2-int.gz",
                (60_000, 8),
                "9fbcbe594c3766fdf4f0b15c5165dc0d1e57ac604e01422608bb72c906030d06",
                dtype="int32",
            ),
        ),
        mirrors=("https://raw.githubusercontent.com/facebookresearch/qmnist/master/",),
        folders=("qmnist", "QMNIST/raw"),
    ),
    "emnist-digits": _emnist("digits", 240_000, 40_000, 10),
    "emnist-letters": _emnist("letters", 124_800, 20_800, 26, first_label=1),
    "emnist-balanced": _emnist("balanced", 112_800, 18_800, 47),
    "emnist-byclass": _emnist("byclass", 697_932, 116_323, 62),
    "emnist-bymerge": _emnist("bymerge", 697_932, 116_323, 47),
    "emnist-mnist": _emnist("mnist", 60_000, 10_000, 10),
    "cifar10": DataSet(
        files=(),
        mirrors=("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/"),
        folders=("cifar10", "cifar-10-batches-bin", "cifar-10"),
        archive=TarArchive(
            "cifar-10-binary.tar.gz",
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            most_bytes=171_000_000,
        ),
    ),
    "digits": DataSet(  # bundled, see digits/README.md; no mirror has it and no folder is searched for it
        files=_mnist_files(
            ("", "01c279c669c4632ea8b97298fee28d0f4c5fe2bf2039e7f822f3feaac779d017"),
            ("", "daf1c61ba276c5ec7656a0a9c541c2f61cb96d7af3a019906cdb4cf08ef09728"),
            ("", "48e7795fc2f307cac39d091315c695780f904df73fef72545ee5b40d8e7948c3"),
            ("", "9f9f83403fa89036e5960042fa3fdded854d1e4a5602fe4b476f8ff0e7865ff8"),
            train=4_000,
            test=1_000,
        ),
    ),
}

DATASETS = tuple(SOURCES)
"""Names that ``load_data`` knows."""


def published_as(*sums: str) -> str | None:
    """Return which file of which data set has one of these sums, or None: to say what a wrong file is."""
    for name, data_set in SOURCES.items():
        for file in data_set.files:
            if any(known and known in sums for known in (file.sha256, file.content_sha256)):
                return f"the {file.name} of {name}"
    return None
