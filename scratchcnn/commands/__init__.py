"""The commands of ``python -m scratchcnn``, a file each, and what command lines share (``options.py``)."""

from .options import backup, count, file, folder, load, parse, port, positive, seed

__all__ = ["backup", "count", "file", "folder", "load", "parse", "port", "positive", "seed"]
