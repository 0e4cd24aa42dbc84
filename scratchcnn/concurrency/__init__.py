"""Several threads, forks and Ctrl-C: how many, locks, whose turn it is, and what must not be interrupted.

It knows nothing of what is locked.
"""
