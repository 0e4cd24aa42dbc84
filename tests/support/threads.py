"""What the tests of threads share."""

import threading
from concurrent.futures import ThreadPoolExecutor

PATIENCE = 30  # seconds


def in_another_thread(function):
    """Return what a function returns, or raise what it raises, in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result(PATIENCE)


class Beside:
    """Calls a function again and again in another thread, inside a ``with`` block."""

    def __init__(self, function):
        self.function, self.stop, self.calls, self.error = function, threading.Event(), 0, None
        self.thread = threading.Thread(target=self.work)

    def work(self):
        try:
            while not self.stop.is_set():
                self.function()
                self.calls += 1
        except BaseException as error:
            self.error = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.stop.set()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()
        if self.error is not None:
            raise self.error
