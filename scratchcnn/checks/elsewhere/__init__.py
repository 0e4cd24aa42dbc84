"""What users of Keras and PyTorch type and this library does not have, each with the line to write here."""
