"""Neighbouring layers that run as one: fused layers, and the patterns of layers that become one.

It knows layers and operations, and nothing of a network, a loss or training. With ``fuse=False`` nothing here runs.
"""
