"""A real browser for the tests: headless Chromium, driven over the WebDriver protocol.

Debian: apt-get install chromium chromium-driver
"""

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

import pytest

ENTER, UP, DOWN = "\ue007", "\ue013", "\ue015"  # keys in the WebDriver standard


class Browser:
    """Headless Chromium over the WebDriver protocol (https://www.w3.org/TR/webdriver2/)."""

    def __init__(self, driver_url, profile):
        self.driver = driver_url
        flags = ["headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync"]
        flags += ["disable-background-networking", "disable-component-update", f"user-data-dir={profile}"]
        options = {"args": [f"--{flag}" for flag in flags]}
        wanted = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}}
        self.session = f"/session/{self.call('POST', '/session', wanted)['sessionId']}"

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.driver + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from None

    def go(self, url):
        self.call("POST", f"{self.session}/url", {"url": url})

    def run(self, script):
        return self.call("POST", f"{self.session}/execute/sync", {"script": script, "args": []})

    def press(self, *keys):
        actions = [{"type": kind, "value": key} for key in "".join(keys) for kind in ("keyDown", "keyUp")]
        self.call("POST", f"{self.session}/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def wait(self, script, value, seconds=60):
        """Wait until a script in the page returns ``value``."""
        end = time.monotonic() + seconds
        while (seen := self.run(script)) != value:
            assert time.monotonic() < end, f"{script} is {seen!r}, not {value!r}"
            time.sleep(0.02)

    def command(self, name, **parameters):
        """Give Chromium a command of its DevTools protocol."""
        self.call("POST", f"{self.session}/goog/cdp/execute", {"cmd": name, "params": parameters})

    def look(self, width, height, scheme="light"):
        """Give the window a size in pixels, and the user's wish for a "light" or a "dark" page."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.command("Emulation.setDeviceMetricsOverride", **size)
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self):
        """What the window shows, as the bytes of a PNG file."""
        return base64.b64decode(self.call("GET", f"{self.session}/screenshot"))


@contextlib.contextmanager
def browsing(folder):
    """A `Browser` that keeps its files in ``folder``."""
    driver = shutil.which("chromedriver")
    if not (driver and (shutil.which("chromium") or shutil.which("google-chrome"))):
        reason = "needs chromium and chromedriver (Debian: apt-get install chromium chromium-driver)"
        assert "CI" not in os.environ, reason  # where everything is tested, a missing browser hides nothing
        pytest.skip(reason)
    environment = os.environ | {"HOME": str(folder)}
    # A session of its own, so that no browser is left behind whatever happens.
    process = subprocess.Popen(
        [driver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
        start_new_session=True,
    )  # fmt: skip
    try:
        port = next(match[1] for line in process.stdout if (match := re.search(r"successfully on port (\d+)", line)))
        browser = Browser(f"http://127.0.0.1:{port}", folder / "profile")
        yield browser
        browser.call("DELETE", browser.session)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
