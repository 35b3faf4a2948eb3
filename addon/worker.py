"""The process that does the work while Blender's interface stays free. No bpy here."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import WorkerFailed

START = Path(__file__).with_name("start.py")
PYTHON_VARIABLE = "BLOCKOUT_PYTHON"
POLL_S = 0.02
GRACE_S = 3.0  # between asking the worker to stop and ending it
LONGEST_LOG = 10_000  # lines
ANOTHER_CACHE = "make room, or name another folder as Cache in Blockout's preferences"
CRASHED = ("ended before its time", "crashed", "was ended by the system, most likely because memory ran out")

Event = dict[str, Any]


@dataclass(frozen=True)
class Interpreter:
    """A Python and the folders of packages that it gets beside its own."""

    python: str
    packages: tuple[str, ...] = ()


class Worker:
    """One job in a process of its own, in a folder of its own that goes with it.

    Attributes:
        folder: of this job; removed by ``close``.
        log: the last lines that the process said beside its events.
    """

    def __init__(self, job: dict[str, Any], interpreter: Interpreter, *, parent: str = "", online: bool = False):
        """Start the process.

        Args:
            job: for ``job.run``.
            interpreter: which Python.
            parent: folder for the job's own; "" is the system's for temporary files.
            online: whether the worker may reach the network.

        Raises:
            WorkerFailed: the process cannot start.
        """
        self.log: deque[str] = deque(maxlen=LONGEST_LOG)
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._stop_at: float | None = None
        self.folder = _make_folder(parent)
        try:
            job_file = self.folder / "job.json"
            _write_job(job_file, {**job, "packages": list(interpreter.packages)})
            self._process = _start(interpreter.python, job_file, online=online)
        except WorkerFailed:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def events(self) -> list[Event]:
        """Return what was said since the last call; never waits."""
        if self._stop_at is not None and time.monotonic() > self._stop_at:
            self._kill()
        events = []
        while not self._events.empty():
            events.append(self._events.get())
        return events

    @property
    def returncode(self) -> int | None:
        """Return the exit code, None while the process runs or has events that were not read."""
        if self._reader.is_alive() or not self._events.empty():
            return None
        return self._process.poll()

    def wait(self, patience_s: float) -> list[Event]:
        """Return all that is said until the process ends, or patience does."""
        deadline, events = time.monotonic() + patience_s, []
        while self.returncode is None and time.monotonic() < deadline:
            events += self.events()
            time.sleep(POLL_S)
        return events + self.events()

    def cancel(self) -> None:
        """Ask the process to stop; it is ended if it does not do so soon."""
        if self._stop_at is None:
            self._stop_at = time.monotonic() + GRACE_S
            self._close_pipe()

    def close(self) -> None:
        """End the process and remove all that it made for this job alone."""
        self._close_pipe()
        self._kill()
        self._process.wait()
        self._reader.join()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _kill(self) -> None:
        """End the process and all that it started, which may go on without it."""
        if self._process.poll() is not None and not self._reader.is_alive():
            return  # all have ended, and others may have their numbers
        with suppress(ProcessLookupError, PermissionError):
            if os.name == "posix":
                os.killpg(self._process.pid, signal.SIGKILL)  # it leads a session of its own
            else:
                self._process.kill()

    def _close_pipe(self) -> None:
        assert self._process.stdin
        with suppress(OSError):  # the process may be gone
            self._process.stdin.close()

    def _read(self) -> None:
        """Sort the process's lines into events and log."""
        assert self._process.stderr
        for line in self._process.stderr:
            text = line.decode("utf-8", "replace").rstrip()
            event = _parse_event(text)
            if isinstance(event, dict):
                self._events.put(event)
            elif text.startswith("blockout: "):  # said before the events began
                self._events.put({"event": "error", "message": text.removeprefix("blockout: "), "exit_code": 2})
            if not isinstance(event, dict):
                self.log.append(text)
            elif event["event"] in ("error", "log"):
                self.log.append(event["message"])
        self._process.stderr.close()


def _make_folder(parent: str) -> Path:
    """Return a new folder for one job."""
    try:
        return Path(tempfile.mkdtemp(prefix="blockout-", dir=parent or None))
    except OSError as error:
        place = parent or tempfile.gettempdir()
        raise WorkerFailed(f"no folder can be made in {place} ({_reason(error)}); {ANOTHER_CACHE}.") from None


def _write_job(file: Path, job: dict[str, Any]) -> None:
    try:
        file.write_text(json.dumps(job), "utf-8")
    except OSError as error:
        raise WorkerFailed(f"{file} cannot be written ({_reason(error)}); {ANOTHER_CACHE}.") from None


def _start(python: str, job_file: Path, *, online: bool) -> subprocess.Popen[bytes]:
    """Start the worker, with pipes at its stdin and stderr."""
    environment = os.environ | ({} if online else {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"})
    try:
        return subprocess.Popen(
            [python, "-I", str(START), str(job_file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=os.name == "posix",  # Ctrl-C in the terminal is Blender's to handle
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise WorkerFailed(f"{python} cannot be started ({_reason(error)}): see Blockout's preferences.") from None


def _parse_event(line: str) -> Event | None:
    """Return the event that a line holds; None for any other line."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def find_interpreter(outside: str = "", packages: Sequence[str] = ()) -> Interpreter:
    """Return the Python for the worker.

    The variable BLOCKOUT_PYTHON comes first, for those who change Blockout; then the outside Python of the
    preferences; then Blender's own with the extension's packages; then, in a checkout, its virtual environment.

    Args:
        outside: path of a Python, or of the folder of its virtual environment; "" for none.
        packages: folders of the extension's packages that exist.
    """
    named = os.environ.get(PYTHON_VARIABLE) or outside
    if named:
        folder = Path(named)
        inside = (folder / "bin" / "python", folder / "Scripts" / "python.exe")
        return Interpreter(str(next((python for python in inside if python.exists()), folder)))
    own = START.parents[1] / ".venv" / "bin" / "python"
    if not packages and own.exists():
        return Interpreter(str(own))
    return Interpreter(_own_python(), tuple(packages))


def explain_end(returncode: int) -> str:
    """Return in words how a process ended that did not say so itself."""
    if returncode in (-9, 137):
        return f"{CRASHED[2]} (signal 9)"
    if returncode < 0:
        return f"{CRASHED[1]} (signal {-returncode})"
    return f"{CRASHED[0]} (exit code {returncode})"


def _own_python() -> str:
    """Return the executable of the Python that runs here, which in Blender need not be sys.executable."""
    if "python" in Path(sys.executable).name.lower():
        return sys.executable
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    places = [
        Path(sys.prefix) / "bin" / version,
        Path(sys.prefix) / "bin" / "python.exe",
        Path(sys.prefix) / "python.exe",
    ]
    return str(next((place for place in places if place.exists()), version))
