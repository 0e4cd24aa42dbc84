"""Layers in a row and their parameters as one vector: forward, backward, weights.

Start with ``network.py``. It knows layers and fusion, and nothing of batches, epochs or files.
"""
