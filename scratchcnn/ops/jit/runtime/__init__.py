"""How a kernel is compiled, run on all cores, and recorded.

Start with ``compile.py``, then ``launch.py``. It knows nothing of what a kernel computes.
"""
