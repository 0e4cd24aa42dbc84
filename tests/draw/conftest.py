"""Fixtures of the tests in a browser."""

from support.page_in_browser import page, served  # noqa: F401
