"""Several threads, forks and Ctrl-C: locks, whose turn it is, and what must not be interrupted.

It knows nothing of what is locked.
"""
