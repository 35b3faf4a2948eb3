"""The extension in a real window, by mouse and keyboard; pictures of it go to build/window."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from blender.window import SYSTEM, THERE, Display, Window, wait_for

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "build" / "window"
TAB, PHOTO, BUILD, THICKNESS, VIEW = (1043, 255), (880, 127), (900, 157), (948, 449), (300, 650)  # px
CANCEL_BUTTON = (1007, 188)
INSTALL = f"""
bpy.ops.extensions.package_install_files(
    filepath="{THERE}/blockout.zip", repo="user_default", enable_on_install=True, overwrite=True)
import addon_utils
answer = addon_utils.check("bl_ext.user_default.blockout")
"""
OPEN_SIDEBAR = """
area = next(area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == "VIEW_3D")
answer = area.spaces.active.show_region_ui = True
"""
PHOTO_SETTING = "bpy.context.window_manager.blockout.photo"
OBJECTS = "answer = sorted(thing.name for thing in bpy.data.objects)"
SOLIDS = 'answer = sum("thickness_m" in thing for thing in bpy.data.objects if thing.type == "MESH")'
IS_BUSY = "answer = len(bpy.context.window_manager.windows[0].modal_operators) > 0"
IS_FREE = "answer = not bpy.context.window_manager.windows[0].modal_operators"
IS_OPEN = """
area = next(area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == "VIEW_3D")
answer = next(one for one in area.regions if one.type == "UI").active_panel_category == "Blockout"
"""
HOW_FAR = """
import bl_ext.user_default.blockout.addon.operators as ours
answer = max((run.fraction for run in ours.RUNS.values()), default=0)
"""
THICK = 'answer = bpy.context.active_object["thickness_m"]'


@pytest.fixture(scope="module")
def display() -> Iterator[Display]:
    if not (SYSTEM / "ready").exists():
        pytest.skip("there is no Debian with Blender's window: make test-blender says why, or sets it up")
    display = Display(97)
    yield display
    display.close()


@pytest.fixture(scope="module")
def window(display: Display, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """Return a window in which the zip was installed from disk and the sidebar's tab is open."""
    folder = tmp_path_factory.mktemp("window")
    shutil.copy(archive, folder / "blockout.zip")
    shutil.copy(ROOT / "examples" / "square.jpg", folder)
    window = Window(display, folder)
    try:
        assert window.ask(INSTALL, patience_s=200) == [True, True]
        window.ask(OPEN_SIDEBAR)
        window.insist(lambda: window.click(*TAB), IS_OPEN)
        window.insist(lambda: choose_photo(window), f'answer = {PHOTO_SETTING} == "{THERE}/square.jpg"')
        yield window
    finally:
        window.close()


def choose_photo(window: Window) -> None:
    window.click(*PHOTO)
    time.sleep(1)
    window.keys("ctrl+a")
    window.write(f"{THERE}/square.jpg")
    window.keys("Return")


def move_slider(window: Window) -> None:
    window.keys("Escape")  # what was taken for a click opened the field
    window.drag(*THICKNESS, 40)


def press_build(window: Window) -> None:
    window.move(*VIEW)
    window.insist(lambda: window.click(*BUILD), IS_BUSY)


@pytest.mark.parametrize("how", ["Escape", "button"])
def test_a_cancelled_run_leaves_nothing(window: Window, how: str) -> None:
    before = window.ask(OBJECTS)
    press_build(window)
    wait_for(lambda: window.ask(HOW_FAR) > 0, "the first stage of the work")
    (worker,) = window.workers()
    os.kill(worker, signal.SIGSTOP)  # a test must not be a race
    window.move(*VIEW)
    window.picture(PICTURES / "running.png")
    if how == "Escape":
        window.keys("Escape")
        os.kill(worker, signal.SIGCONT)
    else:  # a worker that hangs is ended
        window.insist(lambda: window.click(*CANCEL_BUTTON), IS_FREE)
    window.until(IS_FREE)
    assert window.workers() == []
    assert window.leftovers() == []
    assert window.ask(OBJECTS) == before


def test_a_click_builds_a_blockout_while_the_interface_answers(window: Window) -> None:
    window.ask("state['longest_s'], state['objects'] = 0.0, len(bpy.data.objects); answer = True")
    press_build(window)
    start = time.monotonic()
    window.until(IS_FREE, 120)
    assert window.ask(SOLIDS) > 10
    assert window.ask("answer = state['longest_s']") < (time.monotonic() - start) / 2, "it stood still"
    assert window.workers() == []
    assert window.leftovers() == []
    window.move(*VIEW)
    window.picture(PICTURES / "built.png")


def test_the_slider_is_live_and_undo_takes_one_step_each(window: Window) -> None:
    before, thick = window.ask(OBJECTS), window.ask(THICK)
    window.insist(lambda: move_slider(window), f"{THICK} > {1.2 * thick}")
    window.picture(PICTURES / "thicker.png")
    window.move(*VIEW)
    window.keys("ctrl+z")
    wait_for(lambda: window.ask(THICK) == pytest.approx(thick), "the thickness before")
    assert window.ask(OBJECTS) == before
    window.keys("ctrl+z")
    assert window.ask(OBJECTS) == ["Camera", "Cube", "Light"]
    assert window.ask("answer = bpy.context.scene.camera.name") == "Camera"
    assert window.ask("answer = [bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y]") == [
        1920,
        1080,
    ]


def test_a_second_run_works_from_edit_mode_and_without_a_world(window: Window) -> None:
    window.ask("""
        bpy.context.scene.world = None
        with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
            bpy.ops.object.mode_set(mode="EDIT")
        answer = True
    """)
    press_build(window)
    window.until(IS_FREE, 120)
    assert window.ask(SOLIDS) > 10
    assert window.ask("answer = [bpy.context.mode, bpy.context.scene.world.name]") == ["OBJECT", "Blockout sky"]
    window.move(*VIEW)
    window.picture(PICTURES / "from-edit-mode.png")


def test_two_windows_at_once_do_not_disturb_each_other(window: Window, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    shutil.copy(ROOT / "examples" / "square.jpg", folder / "other.jpg")
    for name in ("resources", "home"):  # the home for the shaders in it, which take long to make
        shutil.copytree(window.folder / name, folder / name, copy_function=os.link)
    display = Display(98)
    other = Window(display, folder)
    try:
        start = f'bpy.ops.import_scene.blockout("INVOKE_DEFAULT", filepath="{THERE}/other.jpg")'
        override = "with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):"
        count = len(window.ask(OBJECTS))
        other.ask("import addon_utils; answer = bool(addon_utils.enable('bl_ext.user_default.blockout'))")
        other.ask(f"{override}\n    answer = sorted({start})")
        window.click(*BUILD)
        wait_for(lambda: len(window.workers()) == 2, "two workers")
        for one in (window, other):
            one.until(IS_FREE, 120)
        assert "other" in other.ask("answer = bpy.data.collections.keys()")
        assert len(window.ask(OBJECTS)) > count
        assert window.workers() == window.leftovers() == other.leftovers() == []
    finally:
        other.close()
        display.close()
