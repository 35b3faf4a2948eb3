"""Runs in Blender's window: answers questions that arrive as files, and notes how long the interface was blocked.

``blender --python window_inside.py -- FOLDER``: FOLDER/ask.py is run, its ``answer`` goes to FOLDER/answer.json.
"""

import json
import sys
import time
import traceback
from pathlib import Path

import bpy

FOLDER = Path(sys.argv[-1])
TICK_S = 0.01
state: dict[str, float] = {"last": 0.0, "longest_s": 0.0, "objects": 0, "there": 0.0, "drawn": 0.0}


def tick() -> float:
    """Answer what is asked; called again and again by the interface, when nothing blocks it."""
    now = time.perf_counter()
    if state["last"] and len(bpy.data.objects) == state["objects"]:  # until something was imported
        state["longest_s"] = max(state["longest_s"], now - state["last"] - TICK_S)
        state["there"] = state["drawn"] = 0.0
    elif not state["there"]:
        state["there"] = now
    elif not state["drawn"]:
        state["drawn"] = now  # Blender draws between two calls when something has changed
    ask = FOLDER / "ask.py"
    if ask.exists():
        code = ask.read_text("utf-8")
        ask.unlink()
        (FOLDER / "answer.tmp").write_text(json.dumps(answer(code)), "utf-8")
        (FOLDER / "answer.tmp").replace(FOLDER / "answer.json")
    state["last"] = time.perf_counter()
    return TICK_S


def answer(code: str) -> dict[str, object]:
    """Run a question; return its answer or what went wrong."""
    names = {"bpy": bpy, "state": state, "answer": None}
    try:
        exec(code, names)
    except Exception:  # noqa: BLE001  the test shows it
        return {"error": traceback.format_exc()}
    return {"answer": names["answer"]}


bpy.context.preferences.view.show_splash = False
bpy.context.preferences.use_preferences_save = False
bpy.app.timers.register(tick, persistent=True)
