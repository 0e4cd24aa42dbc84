"""Where an array lies in memory: what kernels are given in place of arrays."""

import ctypes
import weakref

from ....types import Array

_HEAD = object.__basicsize__  # bytes before an object's own fields, of which an array's first is where its numbers lie
_addresses: dict[int, tuple[weakref.ref[Array], int]] = {}


def address_of(array: Array) -> int:
    """Return the address of a C-contiguous array's first byte: what ``array.ctypes.data`` says, sooner.

    Parameters and buffers come again in each step, so the answer is remembered. It cannot change: NumPy does not resize
    an array that has a weak reference.
    """
    known = _addresses.get(id(array))
    if known is not None and known[0]() is array:
        return known[1]
    if len(_addresses) > 10_000:
        _addresses.clear()
    address = new_address_of(array)
    _addresses[id(array)] = weakref.ref(array), address
    return address


def new_address_of(array: Array) -> int:
    """Return the same for an array that will hardly come again, such as the images of a mini-batch."""
    return ctypes.c_size_t.from_address(id(array) + _HEAD).value  # sooner than NumPy tells it
