"""Drives Debian's Chromium by the WebDriver protocol (W3C Recommendation of 5 June 2018), through its chromedriver.

    with browser.start() as page: page.open(url); page.wait("document.title", lambda title: title == "KOS", 60)

For tests: the browser has a profile of its own in a temporary folder, and reaches nothing but what it is told to open."""

import base64
import json
import os
import shutil
import socket
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from kos import network, processes
from kos.common import KosError

START_S, COMMAND_S = 240, 240  # a browser on a busy machine with few cores


class Browser:
    def __init__(self, address):
        self.address = address
        self.session = None

    def command(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}{path}", data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=COMMAND_S) as answer:
                return json.loads(answer.read())["value"]
        except urllib.error.HTTPError as error:
            value = json.loads(error.read()).get("value", {})
            raise KosError(f"browser: {value.get('error')}: {str(value.get('message', '')).splitlines()[0]}") from error
        except OSError as error:
            raise KosError(f"browser: {error}") from error

    def begin(self, folder, dark=False):
        arguments = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
                     "--window-size=1280,1000", f"--user-data-dir={folder}/profile"]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")  # it does not start as root otherwise
        if dark:
            arguments.append("--force-dark-mode")
        options = {"binary": shutil.which("chromium"), "args": arguments}
        wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"},
                                                   "timeouts": {"script": 60000, "pageLoad": COMMAND_S * 1000}}}}
        self.session = "/session/" + self.new_session(wanted)["sessionId"]

    def new_session(self, wanted):
        # The first start on a busy machine, with nothing in its file cache, can take longer than the driver waits.
        for _ in range(3):
            try:
                return self.command("POST", "/session", wanted)
            except KosError:
                time.sleep(5)
        return self.command("POST", "/session", wanted)

    def open(self, url):
        self.command("POST", f"{self.session}/url", {"url": url})

    def run(self, script, *arguments):
        """What the statements return."""
        return self.command("POST", f"{self.session}/execute/sync", {"script": script, "args": list(arguments)})

    def value(self, expression):
        return self.run(f"return {expression};")

    def wait(self, expression, is_wanted, seconds, what=None):
        """Until the expression has a wanted value, which is returned."""
        deadline = time.monotonic() + seconds
        while True:
            value = self.value(expression)
            if is_wanted(value):
                return value
            if time.monotonic() > deadline:
                raise KosError(f"browser: {what or expression} is {value!r} after {seconds} s")
            time.sleep(0.5)

    def click(self, selector):
        """As a user does: the element must be there, in sight, and not covered."""
        found = self.command("POST", f"{self.session}/element", {"using": "css selector", "value": selector})
        (identifier,) = found.values()
        self.command("POST", f"{self.session}/element/{identifier}/click", {})

    def messages(self):
        """What the page and the browser have complained of since the last call."""
        entries = self.command("POST", f"{self.session}/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def size(self, width, height):
        """Of the page itself, as on a device of this size."""
        self.command("POST", f"{self.session}/goog/cdp/execute",
                     {"cmd": "Emulation.setDeviceMetricsOverride",
                      "params": {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}})

    def colours(self, scheme):
        """`light` or `dark`, as the user's system prefers it."""
        self.command("POST", f"{self.session}/goog/cdp/execute",
                     {"cmd": "Emulation.setEmulatedMedia",
                      "params": {"features": [{"name": "prefers-color-scheme", "value": scheme}]}})

    def screenshot(self, file):
        Path(file).write_bytes(base64.b64decode(self.command("GET", f"{self.session}/screenshot")))


@contextmanager
def start():
    """A browser without a window. Raises KosError if it is not installed or does not start."""
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            raise KosError(f"{program} is not installed")
    try:
        socket.getaddrinfo("localhost", None)  # which is how the driver looks for its browser
    except OSError as error:
        raise KosError("browser: session not created: no address of localhost on this machine (/etc/hosts)") from error
    port = network.free_port("tcp")
    with tempfile.TemporaryDirectory(prefix="kos-browser-", ignore_cleanup_errors=True) as folder:
        environment = dict(os.environ, HOME=folder, XDG_CONFIG_HOME=folder, XDG_CACHE_HOME=folder)
        with open(Path(folder) / "driver.log", "wb") as log:
            driver = processes.start(["chromedriver", f"--port={port}"], env=environment, stdout=log, stderr=log)
        browser = Browser(f"http://127.0.0.1:{port}")
        try:
            deadline = time.monotonic() + START_S
            while True:
                try:
                    if browser.command("GET", "/status")["ready"]:
                        break
                except KosError:
                    if time.monotonic() > deadline or driver.poll() is not None:
                        raise
                time.sleep(0.2)
            browser.begin(folder)
            try:
                yield browser
            finally:
                try:
                    browser.command("DELETE", browser.session)
                except KosError:
                    pass  # it is ended in any case
        finally:
            processes.stop(driver)
