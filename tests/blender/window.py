"""A real window of Blender on a display without a screen: started, asked, clicked and photographed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import textwrap
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SYSTEM = ROOT / ".cache" / "trixie"
ENTER = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", str(ROOT / ".ci" / "enter-window"))
INSIDE = Path(__file__).with_name("window_inside.py")
SIZE_PX = (1280, 800)
PATIENCE_S = 180.0
POLL_S = 0.05
THERE = "/mnt/talk"  # where the window finds the folder that it shares with the test


class Display:
    """An X server without a screen, in the Debian of .ci/setup-window."""

    def __init__(self, number: int) -> None:
        """Start it."""
        self.name = f":{number}"
        screen = f"{SIZE_PX[0]}x{SIZE_PX[1]}x24"
        command = ["chroot", str(SYSTEM), "Xvfb", self.name, "-screen", "0", screen, "+extension", "GLX", "-ac"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        socket = SYSTEM / "tmp" / ".X11-unix" / f"X{number}"
        wait_for(socket.exists, f"Xvfb {self.name}")

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()

    def run(self, *words: str) -> str:
        """Run a program of the Debian on this display; return what it says."""
        command = ["chroot", str(SYSTEM), "env", f"DISPLAY={self.name}", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_S).stdout


class Window:
    """Blender with its interface; no network, its own home and temporary folder."""

    def __init__(self, display: Display, folder: Path) -> None:
        """Start Blender and wait until its interface answers.

        Args:
            display: one for each window, since the window takes all of it.
            folder: shared with Blender, as ``THERE``.
        """
        self.display, self.folder = display, folder
        self.temporary = folder / "tmp"
        for place in (folder / "home", self.temporary):
            place.mkdir(exist_ok=True)
        shutil.copy(INSIDE, folder / INSIDE.name)
        variables = {
            "DISPLAY": display.name,
            "HOME": f"{THERE}/home",
            "TMPDIR": f"{THERE}/tmp",
            "BLENDER_USER_RESOURCES": f"{THERE}/resources",
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
        }
        words = ["sh", "-c", '"$@"; sleep 60', "sh"]  # the name space outlives Blender: what that leaves may tidy up
        words += ["env", "-i", *(f"{name}={value}" for name, value in variables.items())]
        words += ["blender", "--window-geometry", "0", "0", *map(str, SIZE_PX)]
        words += ["--python", f"{THERE}/{INSIDE.name}", "--", THERE]
        with (folder / "log.txt").open("w") as said:
            self._process = subprocess.Popen(
                [*ENTER, str(folder), *words], stdout=said, stderr=said, start_new_session=True
            )
        self.ask("answer = True")

    def workers(self) -> list[int]:
        """Return the numbers of Blockout's processes that windows started and that still run."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
                root = (process / "root").readlink()
            except OSError:  # it has ended meanwhile
                continue
            if any(word.endswith("addon/start.py") for word in words) and root == SYSTEM.resolve():
                found.append(int(process.name))
        return found

    def leftovers(self) -> list[str]:
        """Return what runs of Blockout left in the temporary folder."""
        return [path.name for path in self.temporary.glob("blockout-*")]

    def ask(self, code: str, patience_s: float = PATIENCE_S) -> Any:
        """Run lines of Python in Blender's interface; return what they put in ``answer``."""
        self.tell(code)
        place = self.folder / "answer.json"
        wait_for(place.exists, f"Blender's answer to {code}", patience_s)
        said = json.loads(place.read_text("utf-8"))
        place.unlink()
        assert "error" not in said, said["error"]
        return said["answer"]

    def tell(self, code: str) -> None:
        """Run lines of Python in Blender's interface; do not wait."""
        (self.folder / "ask.tmp").write_text(textwrap.dedent(code), "utf-8")
        (self.folder / "ask.tmp").replace(self.folder / "ask.py")

    def click(self, x: int, y: int) -> None:
        """Press the left button at a place, px from the upper left corner."""
        self.move(x, y)
        self.display.run("xdotool", "click", "1")
        time.sleep(0.3)

    def move(self, x: int, y: int) -> None:
        """Move the mouse; twice, since Blender looks at what is under a mouse that moves."""
        self.display.run("xdotool", "mousemove", str(x - 2), str(y))
        time.sleep(0.1)
        self.display.run("xdotool", "mousemove", str(x), str(y))
        time.sleep(0.2)

    def drag(self, x: int, y: int, dx: int) -> None:
        """Drag sideways with the left button."""
        self.move(x, y)
        self.display.run("xdotool", "mousedown", "1")
        for part in range(1, 11):
            time.sleep(0.2)
            self.display.run("xdotool", "mousemove", str(x + dx * part // 10), str(y))
        time.sleep(0.5)
        self.display.run("xdotool", "mouseup", "1")
        time.sleep(0.5)

    def keys(self, *names: str) -> None:
        """Press keys, one after the other, such as "Escape" or "ctrl+z"."""
        self.display.run("xdotool", "key", "--delay", "60", *names)
        time.sleep(0.3)

    def write(self, text: str) -> None:
        """Type text."""
        self.display.run("xdotool", "type", "--delay", "15", text)

    def picture(self, place: Path) -> Path:
        """Save what the display shows."""
        inside = Path("/tmp") / f"{self.display.name[1:]}.png"
        self.display.run("import", "-window", "root", str(inside))
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(SYSTEM / inside.relative_to("/"), place)
        return place

    def until(self, code: str, patience_s: float = PATIENCE_S) -> Any:
        """Ask until the answer is true; return it."""
        return wait_for(lambda: self.ask(code), code, patience_s)

    def insist(self, act: Callable[[], None], code: str, patience_s: float = 6.0) -> None:
        """Do something by mouse and keyboard until an answer is true: a busy interface may miss a click."""
        for _ in range(5):
            act()
            with suppress(AssertionError):
                self.until(code, patience_s)
                return
        self.picture(ROOT / "build" / "window" / "failed.png")
        raise AssertionError(f"{code} did not come true; build/window/failed.png shows the window")

    def close(self) -> None:
        """End Blender, and with its name space all that it started."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def wait_for(is_so: Any, what: str, patience_s: float = PATIENCE_S) -> Any:
    """Return what a function answers as soon as that is true."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        found = is_so()
        if found:
            return found
        time.sleep(POLL_S)
    raise AssertionError(f"{what} did not come within {patience_s:g} s")
