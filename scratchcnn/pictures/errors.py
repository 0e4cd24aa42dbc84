"""What a picture that cannot be read raises."""


class PictureError(ValueError):
    """A picture that no digit can be read from; the message says why, and what to do."""
