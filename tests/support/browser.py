"""Headless Chromium for tests of the page: started where it and selenium are installed, and driven by real pointers."""

import contextlib
import importlib.util
import math
import shutil
import tempfile

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")


def reason_without():
    """Return why there is no browser to test with, or None."""
    if importlib.util.find_spec("selenium") is None:
        return "selenium is not installed: pip install 'scratchcnn[browser]'"
    if CHROMIUM is None or DRIVER is None:
        return "chromium and chromedriver are not installed: apt-get install chromium chromium-driver"
    return None


needs_browser = pytest.mark.skipif(reason_without() is not None, reason=str(reason_without()))


@contextlib.contextmanager
def chromium(*flags):
    """Yield a driver of a new Chromium that knows nothing and asks nobody."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        quiet = ("background-networking", "component-update", "sync", "quic", "gpu", "dev-shm-usage")
        for flag in (
            "headless=new",
            "no-sandbox",
            "no-first-run",
            f"user-data-dir={folder}",
            *(f"disable-{name}" for name in quiet),
            *flags,
        ):
            options.add_argument(f"--{flag}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = webdriver.Chrome(options, Service(DRIVER))
        try:
            driver.set_script_timeout(20)
            yield driver
        finally:
            driver.quit()


def screen(driver, width, height, touch=False, scale=1):
    """Let the page believe in a screen of another size."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": touch},
    )
    driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": touch})


def theme(driver, name):
    """Let the system have a dark or a light theme."""
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]}
    )


def arc(x, y, rx, ry, start, end, steps=9):
    """Return points on an ellipse, from one angle to another, in degrees; 0 is to the right, 90 is down."""
    angles = [math.radians(start + (end - start) * i / steps) for i in range(steps + 1)]
    return [(x + rx * math.cos(angle), y + ry * math.sin(angle)) for angle in angles]


DIGITS = {  # the strokes of each digit, as points on a board of 1 x 1
    0: [arc(0.5, 0.5, 0.2, 0.31, -90, 270, 14)],
    1: [[(0.4, 0.3), (0.52, 0.18), (0.52, 0.82)]],
    2: [[*arc(0.5, 0.36, 0.18, 0.17, 200, 380), (0.34, 0.8), (0.72, 0.8)]],
    3: [[*arc(0.48, 0.34, 0.17, 0.15, 200, 440), *arc(0.48, 0.66, 0.19, 0.17, 280, 510)]],
    4: [[(0.4, 0.2), (0.3, 0.55), (0.72, 0.55)], [(0.62, 0.28), (0.6, 0.84)]],
    5: [[(0.68, 0.2), (0.38, 0.2), (0.36, 0.47), *arc(0.48, 0.62, 0.19, 0.18, 250, 500)]],
    6: [[*arc(0.66, 0.5, 0.32, 0.34, 250, 180), *arc(0.5, 0.66, 0.16, 0.17, 180, 540, 12)]],
    7: [[(0.3, 0.2), (0.7, 0.2), (0.45, 0.84)]],
    8: [[*arc(0.5, 0.34, 0.14, 0.15, 90, 450, 12), *arc(0.5, 0.67, 0.18, 0.18, 270, 630, 12)]],
    9: [[*arc(0.5, 0.36, 0.16, 0.17, 0, 360, 12), (0.65, 0.6), (0.58, 0.84)]],
}


class Hand:
    """Draws on the board with a mouse, a finger or a pen, whose events come from the browser itself."""

    def __init__(self, driver, pointer="mouse"):
        self.driver, self.pointer = driver, pointer

    def draw(self, strokes, press=True, lift=True):
        """Draw strokes, lists of points on a board of 1 x 1; perhaps only the beginning or the end of one."""
        box = self.driver.execute_script(
            "const b = document.getElementById('board'); b.scrollIntoView({block: 'center'});"
            "const r = b.getBoundingClientRect(); return [r.left, r.top, r.width]"
        )
        for stroke in strokes:
            points = [{"x": box[0] + box[2] * x, "y": box[1] + box[2] * y} for x, y in stroke]
            for place, point in enumerate([*points, points[-1]]):
                kind = 0 if place == 0 and press else 1 if place < len(points) else 2
                if kind == 2 and not lift:
                    continue
                self._touch(kind, point) if self.pointer == "touch" else self._mouse(kind, point)

    def _mouse(self, kind, point):
        event = {"type": ("mousePressed", "mouseMoved", "mouseReleased")[kind], **point, "button": "left"}
        event |= {"buttons": 0 if kind == 2 else 1, "clickCount": 1, "pointerType": self.pointer}
        if self.pointer == "pen":
            event["force"] = 0.6
        self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)

    def _touch(self, kind, point):
        event = {"type": ("touchStart", "touchMove", "touchEnd")[kind], "touchPoints": [] if kind == 2 else [point]}
        self.driver.execute_cdp_cmd("Input.dispatchTouchEvent", event)


def ready(driver, address):
    """Open a page and wait until it can be drawn on."""
    driver.get(address)
    driver.execute_async_script(
        "const done = arguments[0]; const look = () => document.documentElement.dataset.ready ? done()"
        ": setTimeout(look, 10); look()"
    )


def settled(driver):
    """Wait until the page shows the answer to what is on the board, and return it; None for an empty board."""
    return driver.execute_async_script(
        "const done = arguments[0]; const look = () => page.isWaiting ? setTimeout(look, 10)"
        ": done(page.seen && {label: page.seen.label, probabilities: page.seen.probabilities,"
        " milliseconds: page.seen.milliseconds}); setTimeout(look, 30)"
    )
