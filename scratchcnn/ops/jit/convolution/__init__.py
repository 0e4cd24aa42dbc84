"""Convolution and its gradients, by several algorithms.

Start with ``direct.py``, which computes any convolution. The others are quicker where they fit.
"""
