"""Types that every storey may name."""

from __future__ import annotations

Shape = tuple[int, ...]  # of an array, or of one sample: without the batch axis
