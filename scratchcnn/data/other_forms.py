"""Forms of the data sets that ``load_data`` does not read: what each is, and the line that reads or converts it.

Where the files are not found, a folder is often not empty: it has what Kaggle, Hugging Face or an older torchvision
hand out, or an archive nobody unpacked. Nothing is opened here; the names of files are enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from .sources import DataSet

_MOST_LINES = 5
_AGAIN = ", then call load_data again"
_FORMS = (
    (
        r"(train|test)\.csv",
        "a table, perhaps of Kaggle's Digit Recognizer: 42,000 of MNIST's images with labels in train.csv, 28,000 "
        "without in test.csv; it is read with: x, y = sc.data.load_csv({path!r})",
    ),
    (r".+_(train|test)\.csv", "one table of two; it is read with: x, y = sc.data.load_csv({path!r})"),
    (
        r".+\.zip",
        "an archive; unpack it with: import zipfile; zipfile.ZipFile({path!r}).extractall({target!r})" + _AGAIN,
    ),
    (
        r".+\.(tar|tgz|tar\.gz)",
        "an archive; unpack it with: import tarfile; tarfile.open({path!r}).extractall({target!r}, filter='data')"
        + _AGAIN,
    ),
    (
        r".+\.parquet",
        "a table of pictures, as Hugging Face has them; it is read with: import io, numpy as np, pandas as pd; "
        "from PIL import Image; table = pd.read_parquet({path!r}); x = np.stack([np.asarray(Image.open(io.BytesIO("
        "picture['bytes']))) for picture in table.iloc[:, 0]]); y = table['label'].to_numpy()",
    ),
    (
        r"(training|test)\.pt",
        "a pair of tensors, of an earlier torchvision; it is read with: import torch; x, y = (tensor.numpy() for "
        "tensor in torch.load({path!r}))",
    ),
    (
        r"data_batch_1",
        "CIFAR-10 as pickles, which can run code when they are loaded; if you trust them, write the binary form with: "
        "import pathlib, pickle, numpy as np; folder = pathlib.Path({folder!r}); "
        "batch = lambda name: pickle.loads((folder / name).read_bytes(), encoding='latin1'); "
        "write = lambda name, p: np.column_stack([p['labels'], p['data']]).astype(np.uint8).tofile(folder / name); "
        "[write(name + '.bin', batch(name)) for name in (*(f'data_batch_{{i}}' for i in range(1, 6)), 'test_batch')]"
        + _AGAIN,
    ),
)


def describe(paths: Iterable[Path], data_set: DataSet) -> list[str]:
    """Return a line for each form that is among the paths, with the first file of it."""
    lines: dict[str, str] = {}
    for path in paths:
        for pattern, text in _FORMS:
            if pattern not in lines and re.fullmatch(pattern, path.name.lower()):
                target = str(path.parent / data_set.folders[0])
                lines[pattern] = f"{path} is {text.format(path=str(path), folder=str(path.parent), target=target)}"
                break
    return list(lines.values())[:_MOST_LINES]
