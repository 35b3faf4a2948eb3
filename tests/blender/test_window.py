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
CANCEL_BUTTON, FILE_MENU = (1007, 188), (46, 14)
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
IN_VIEWPORT = """
handler = next(one for one in bpy.types.FileHandler.__subclasses__() if one.__name__ == "PhotoHandler")
window = bpy.context.window_manager.windows[0]
area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
with bpy.context.temp_override(window=window, area=area, region=next(r for r in area.regions if r.type == "WINDOW")):"""
BROWSERS = """[
    (window, area) for window in bpy.context.window_manager.windows for area in window.screen.areas
    if area.type == "FILE_BROWSER"]"""
CLOSE_BROWSER = f"""
window, area = {BROWSERS}[0]
with bpy.context.temp_override(window=window, area=area, region=next(r for r in area.regions if r.type == "WINDOW")):
    bpy.ops.file.cancel()
answer = True"""
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
    window.picture(PICTURES / f"running-{how.lower()}.png")
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


def test_a_picture_that_is_dropped_is_built(window: Window) -> None:
    shutil.copy(ROOT / "examples" / "square.jpg", window.folder / "dropped.jpg")
    assert window.ask(f"{IN_VIEWPORT}\n    answer = bool(handler.poll_drop(bpy.context))")
    drop = f'"INVOKE_DEFAULT", directory="{THERE}", files=[{{"name": "dropped.jpg"}}]'
    said = window.ask(f"{IN_VIEWPORT}\n    answer = sorted(bpy.ops.import_scene.blockout({drop}))")
    assert said == ["RUNNING_MODAL"]
    window.until(IS_FREE, 120)
    assert "dropped" in window.ask("answer = bpy.data.collections.keys()")


def test_the_menu_asks_for_a_photo_after_one_was_built(window: Window) -> None:
    window.click(*FILE_MENU)
    window.keys("i", "p")  # Import, Photo as Blockout
    window.until(f"answer = bool({BROWSERS})")
    assert window.workers() == []
    window.ask(CLOSE_BROWSER)
    window.until(f"answer = not {BROWSERS}")


@pytest.fixture
def other(window: Window, tmp_path: Path) -> Iterator[Window]:
    """Return a second window with the same extension, beside the first."""
    folder = tmp_path / "other"
    folder.mkdir()
    shutil.copy(ROOT / "examples" / "square.jpg", folder / "other.jpg")
    for name in ("resources", "home"):  # the home for the shaders in it, which take long to make
        shutil.copytree(window.folder / name, folder / name, copy_function=os.link)
    display = Display(98)
    window = Window(display, folder)
    try:
        window.ask("import addon_utils; answer = bool(addon_utils.enable('bl_ext.user_default.blockout'))")
        yield window
    finally:
        window.close()
        display.close()


def begin(other: Window) -> None:
    """Start a run in the other window."""
    start = f'bpy.ops.import_scene.blockout("INVOKE_DEFAULT", filepath="{THERE}/other.jpg")'
    assert other.ask(f"{IN_VIEWPORT}\n    answer = sorted({start})") == ["RUNNING_MODAL"]


def test_two_windows_at_once_do_not_disturb_each_other(window: Window, other: Window) -> None:
    count = len(window.ask(OBJECTS))
    begin(other)
    window.click(*BUILD)
    wait_for(lambda: len(window.workers()) == 2, "two workers")
    for one in (window, other):
        one.until(IS_FREE, 120)
    assert "other" in other.ask("answer = bpy.data.collections.keys()")
    assert len(window.ask(OBJECTS)) > count
    assert window.workers() == window.leftovers() == other.leftovers() == []


@pytest.mark.parametrize(
    "end",
    ["bpy.ops.wm.read_homefile()", "bpy.ops.wm.quit_blender()", "import os; os.kill(os.getpid(), 9)"],
    ids=["new file", "quit", "killed"],
)
def test_whoever_leaves_in_the_middle_leaves_nothing(end: str, other: Window) -> None:
    begin(other)
    wait_for(lambda: other.ask(HOW_FAR) > 0, "the first stage of the work")
    assert len(other.workers()) == 1
    other.tell(f"{IN_VIEWPORT}\n    {end}")
    wait_for(lambda: not other.workers(), "the worker's end", 20)
    wait_for(lambda: not other.leftovers(), "the removal of its folder", 20)
