"""What is asked of users' input before any work is done: messages, settings, attributes, arrays.

It knows NumPy and nothing of operations, layers or networks.
"""
