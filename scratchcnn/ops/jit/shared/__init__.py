"""Pieces that kernels of several operations are made of: padded images, transposition, reduction."""
