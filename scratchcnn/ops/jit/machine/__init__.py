"""What the CPU has: vector registers, and register tiles. The only place that speaks LLVM.

Start with ``tile.py``. It knows nothing of how a kernel is run, or of any operation.
"""
