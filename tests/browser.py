"""A real browser without a window, driven over the DevTools protocol as a user would: with keys and clicks."""

import base64
import contextlib
import json
import shutil
import subprocess
import time
import urllib.request

from websockets.sync.client import connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
FLAGS += ("--disable-component-update", "--disable-sync", "--remote-debugging-port=0")
# WebGPU on SwiftShader, which Chromium brings along: a GPU emulated by the CPU.
GRAPHICS = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
PATIENCE = 60  # seconds


def find_browser():
    """The path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def open_browser(profile, width=800, height=900, dark=False, graphics=False):
    """A `Browser` with a profile of its own in the new folder `profile`, with WebGPU where `graphics` is set."""
    command = [find_browser(), *FLAGS, *(GRAPHICS if graphics else ()), f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            port_file = profile / "DevToolsActivePort"
            wait(lambda: port_file.exists() and port_file.read_text().count("\n"), "the browser's port")
            port = port_file.read_text().splitlines()[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=PATIENCE) as response:
                target = next(target for target in json.load(response) if target["type"] == "page")
            with connect(target["webSocketDebuggerUrl"], max_size=None, proxy=None, open_timeout=PATIENCE) as socket:
                browser = Browser(socket)
                for domain in ("Page", "Runtime", "Log"):
                    browser.call(f"{domain}.enable")
                size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
                browser.call("Emulation.setDeviceMetricsOverride", **size)
                scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
                browser.call("Emulation.setEmulatedMedia", features=[scheme])
                yield browser
        finally:
            process.terminate()


class Browser:
    """One page.

    Attributes:
        messages: what the page logged and the errors in it; it has been heard as of the last call.
    """

    def __init__(self, socket):
        self._socket, self._count, self.messages = socket, 0, []

    def call(self, method, **parameters):
        """One command of the protocol; what the page says of itself meanwhile is kept in `messages`."""
        self._count += 1
        self._socket.send(json.dumps({"id": self._count, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(PATIENCE))
            if message.get("id") == self._count:
                assert "error" not in message, message
                return message["result"]
            if message.get("method") in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
                self.messages.append(message)

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.wait_for(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")

    def value(self, expression):
        """The value of a JavaScript expression in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait_for(self, expression):
        """Waits until the expression is true."""
        wait(lambda: self.value(expression), expression)

    def text(self, selector):
        return self.value(f"document.querySelector({json.dumps(selector)}).textContent")

    def type(self, text):
        for letter in text:
            self.key(letter, letter)

    def key(self, key, text=""):
        """Presses one key and lets it go."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, **({"text": text} if kind == "keyDown" else {}))

    def click(self, selector):
        """Clicks in the middle of what is there, which must be what the user would hit."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.value(f"{found}.scrollIntoView({{block: 'center'}})")
        box = self.value(f"(b => [b.x + b.width / 2, b.y + b.height / 2])({found}.getBoundingClientRect())")
        assert self.value(f"{found}.contains(document.elementFromPoint({box[0]}, {box[1]}))"), f"{selector} is covered"
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def screenshot(self, path):
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))


def wait(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE} s for {what}"
        time.sleep(0.05)
