"""Winograd's algorithm for 3 x 3 convolutions. Start with ``transforms.py``; read ``backward.py`` last."""
