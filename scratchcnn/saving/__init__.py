"""A network as a file, and back: what is written, and a careful look at what is read.

It knows networks, losses and optimizers, and nothing of the training loop.
"""
