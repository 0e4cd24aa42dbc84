"""Masks in registers: integers of 64 bits, a bit for each of up to 64 gradients (``convolution/masks.py``)."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .llvm import (
    I1,
    I8,
    I64,
    as_whole_number,
    broadcast,
    bytes_of,
    constant,
    element,
    extents,
    shuffle,
    vector_at,
    vector_type,
)


@intrinsic
def mask_of_nonzero(typing, shape, a, offset):
    """Return an integer whose bit i tells whether a[offset + i] != 0, which a NaN is; a bit for each column."""
    _, _, vectors, lanes = extents(shape)

    def codegen(context, builder, signature, arguments):
        _, array, start = arguments
        first = element(context, builder, a, array, start)
        zero = ir.Constant(vector_type(context, a.dtype, lanes), None)
        mask = I64(0)
        for v in range(vectors):
            vector = builder.load(vector_at(context, builder, first, v, a.dtype, lanes), align=bytes_of(a.dtype))
            bits = as_whole_number(builder, builder.fcmp_unordered("!=", vector, zero))
            mask = builder.or_(mask, builder.shl(bits, I64(v * lanes)))
        return mask

    return types.int64(shape, a, types.int64), codegen


@intrinsic
def mask_of_equal(typing, shape, index, offset, wanted):
    """Return an integer whose bit i tells whether index[offset + i] == wanted, of all columns of the tile."""
    _, _, vectors, lanes = extents(shape)

    def codegen(context, builder, signature, arguments):
        _, array, start, value = arguments
        first = element(context, builder, index, array, start)
        vector = builder.load(vector_at(context, builder, first, 0, index.dtype, vectors * lanes), align=1)
        chosen = broadcast(builder, builder.trunc(value, I8), vectors * lanes)
        return as_whole_number(builder, builder.icmp_unsigned("==", vector, chosen))

    return types.int64(shape, index, types.int64, types.int64), codegen


@intrinsic
def lowest_bit(typing, mask):
    """Return the number of the lowest bit that is set in a mask; there must be one."""

    def codegen(context, builder, signature, arguments):
        return builder.cttz(arguments[0], I1(1))

    return types.int64(types.int64), codegen


@intrinsic
def transpose_bits(typing, masks):
    """Exchange bit j of masks[i] with bit i of masks[j], for all i and j below 64; the array has 64 masks.

    The upper right quarter of the square changes places with the lower left one, then the same is done inside of each
    quarter, and so on, down to single bits: six steps (Warren, "Hacker's Delight", 2nd edition 2012, section 7-3), each
    of them for all 64 masks at once. In each, mask i keeps some bits, and the others come from mask i +- size.
    """

    def codegen(context, builder, signature, arguments):
        square = ir.VectorType(I64, 64)
        address = builder.bitcast(element(context, builder, masks, arguments[0], I64(0)), square.as_pointer())
        rows = builder.load(address, align=8)
        size, left = 32, (1 << 32) - 1  # ``left``: the bits of the left half of each block, which come first
        while size > 0:
            is_upper = [i & size == 0 for i in range(64)]
            kept = ir.Constant(square, [left if upper else left << size for upper in is_upper])
            taken = ir.Constant(square, [left << size if upper else left for upper in is_upper])
            partners = shuffle(builder, rows, rows, [i ^ size for i in range(64)])
            distance = constant(square, size)
            moved = builder.select(
                ir.Constant(ir.VectorType(I1, 64), is_upper),
                builder.shl(partners, distance),
                builder.lshr(partners, distance),
            )
            rows = builder.or_(builder.and_(rows, kept), builder.and_(moved, taken))
            size //= 2
            left ^= left << size
        builder.store(rows, address, align=8)
        return context.get_dummy_value()

    return types.void(masks), codegen
