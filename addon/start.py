"""First file of the worker process: makes the package importable, and ends the process when Blender is gone.

Started as ``python -I start.py JOB.json`` with a pipe as stdin that stays open as long as the work is wanted.
"""

import _thread
import importlib.util
import json
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UNWANTED = threading.Event()
GRACE_S = 5.0  # for tidying up after an interruption
LEAST_PYTHON = (3, 11)
INSTALL_AGAIN = "install Blockout's zip for this platform and Blender again"
NEEDED = ("numpy", "PIL", "cv2", "shapely", "pxr", "rich")


def main() -> int:
    """Do the job that a file describes; return the exit code."""
    job_file = Path(sys.argv[1])
    job = json.loads(job_file.read_text("utf-8"))
    sys.path[:0] = job["packages"]
    threading.Thread(target=_watch, args=(job_file.parent,), daemon=True).start()
    fault = _find_fault()
    if fault:
        text = f"{sys.executable} {fault}, or name another Python in its preferences."
        print(json.dumps({"event": "error", "message": text, "exit_code": 1}), file=sys.stderr, flush=True)
        return 1
    _load_package()
    from blockout.addon.job import run

    try:
        return run(job, job_file.parent)
    except OSError:  # nobody listens any more
        UNWANTED.set()
        return 130
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # or the interruption itself would be interrupted
        if UNWANTED.is_set():
            shutil.rmtree(job_file.parent, ignore_errors=True)


def _find_fault() -> str:
    """Return in words why this Python cannot do the work, and what helps; "" where it can."""
    if sys.version_info < LEAST_PYTHON:
        return "is Python {}.{}, but Blockout needs {}.{}: install that".format(*sys.version_info[:2], *LEAST_PYTHON)
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        return f"lacks {', '.join(missing)}: {INSTALL_AGAIN}"
    for name in NEEDED:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001  packages of another Python or system fail in ways of their own
            print(f"{name}: {error}", file=sys.stderr)  # for the log
            return f"cannot load {name}: {INSTALL_AGAIN}"
    return ""


def _load_package() -> None:
    """Make this checkout or extension importable as blockout, whatever its folder is called."""
    spec = importlib.util.spec_from_file_location(
        "blockout", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["blockout"] = module
    spec.loader.exec_module(module)


def _watch(folder: Path) -> None:
    """Interrupt the work when stdin closes, which it also does when Blender crashes; leave no file of the run."""
    while os.read(0, 4096):
        pass
    UNWANTED.set()
    _thread.interrupt_main()
    time.sleep(GRACE_S)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(130)


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # taking Python apart takes 0.2 s, while somebody waits
