"""The LLVM that tiles are made of: vectors, their addresses, and a few instructions on them.

numba lets Python code write LLVM instructions (an *intrinsic*), one at a time, through a ``builder``. The functions
here are what the intrinsics of the ``tile*.py`` share. Offsets and strides count elements, not bytes.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import models, register_model

I1, I8, I32, I64 = ir.IntType(1), ir.IntType(8), ir.IntType(32), ir.IntType(64)


class Vector(types.Type):
    """The numba type of one SIMD vector."""

    def __init__(self, dtype, lanes):
        self.dtype, self.lanes = dtype, lanes
        super().__init__(name=f"Vector({dtype}, {lanes})")


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    """A Vector is held by LLVM as a value of its own vector type."""

    def __init__(self, manager, vector):
        element = manager.lookup(vector.dtype).get_value_type()
        super().__init__(manager, vector, ir.VectorType(element, vector.lanes))


def extents(shape):
    return tuple(part.count for part in shape.types)


def rows_of(shape):
    outer, inner, _, _ = extents(shape)
    return outer * inner


def bytes_of(dtype):
    return dtype.bitwidth // 8


def vector_type(context, dtype, lanes):
    return ir.VectorType(context.get_value_type(dtype), lanes)


def element(context, builder, array_type, array, offset):
    """Return the address of element ``offset`` of a one-dimensional array."""
    return builder.gep(cgutils.create_struct_proxy(array_type)(context, builder, value=array).data, [offset])


def row_addresses(context, builder, shape, array_type, array, offset, outer, inner):
    first = element(context, builder, array_type, array, offset)
    rows_outer, rows_inner, _, _ = extents(shape)
    return [
        builder.gep(first, [builder.add(builder.mul(outer, I64(i)), builder.mul(inner, I64(j)))])
        for i in range(rows_outer)
        for j in range(rows_inner)
    ]


def vector_at(context, builder, address, v, dtype, lanes):
    """Return the address of the vector number ``v`` after ``address``, typed as a pointer to a vector."""
    return builder.bitcast(builder.gep(address, [I64(v * lanes)]), vector_type(context, dtype, lanes).as_pointer())


def load_row(context, builder, address, vectors, dtype, lanes):
    """Return the vectors that lie one after the other from ``address`` on."""
    places = [vector_at(context, builder, address, v, dtype, lanes) for v in range(vectors)]
    return [builder.load(place, align=bytes_of(dtype)) for place in places]


def broadcast(builder, scalar, lanes):
    """Return a vector that holds ``scalar`` in every lane."""
    undefined = ir.Constant(ir.VectorType(scalar.type, lanes), ir.Undefined)
    first_lane = ir.Constant(ir.VectorType(I32, lanes), None)
    return builder.shuffle_vector(builder.insert_element(undefined, scalar, I32(0)), undefined, first_lane)


def constant(vector, number):
    """Return a vector that holds the same constant in every lane."""
    return ir.Constant(vector, [number] * vector.count)


def shuffle(builder, a, b, lanes):
    """Return the vector of the numbers that ``lanes`` lists, counted through a and then b."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, len(lanes)), list(lanes)))


def as_whole_number(builder, truths):
    """Return a vector of truth values, at most 64, as an integer of 64 bits, the first the lowest."""
    return builder.zext(builder.bitcast(truths, ir.IntType(truths.type.count)), I64)


def multiply_add(builder, a, b, c):
    """Return a * b + c: one instruction where the CPU has it (llvm.fmuladd), two where it has not."""
    vector = a.type
    bits = {"float": 32, "double": 64}[str(vector.element)]
    name = f"llvm.fmuladd.v{vector.count}f{bits}"
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
    return builder.call(function, [a, b, c])


def masked_load(context, builder, address, mask, array_type):
    """Load the elements of a vector where the mask is set; the others are zero, and their memory is not touched."""
    zero = ir.Constant(vector_type(context, array_type.dtype, mask.type.count), None)
    name = f"llvm.masked.load.v{mask.type.count}f{array_type.dtype.bitwidth}.p0"
    kind = ir.FunctionType(zero.type, [address.type, I32, mask.type, zero.type])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, [address, I32(bytes_of(array_type.dtype)), mask, zero])


def add_outer_product(context, builder, signature, tile, left, right):
    values = iter(cgutils.unpack_tuple(builder, tile))
    result = []
    for address in left:
        scalar = broadcast(builder, builder.load(address), right[0].type.count)
        result += [multiply_add(builder, scalar, vector, next(values)) for vector in right]
    return context.make_tuple(builder, signature.return_type, result)
