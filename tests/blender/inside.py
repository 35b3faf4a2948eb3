"""What tests ask of Blender: runs in the Python of a bpy module, ``inside.py CALLS.json ANSWERS.json``.

CALLS.json: [[name of a function here, {argument: value}], ...]; the package is loaded as headless.py loads it,
or is the extension that BLOCKOUT_EXTENSION names.
"""

import importlib.util
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import bpy

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = os.environ.get("BLOCKOUT_EXTENSION", "")
PLAIN = (str, int, float, bool)


def load_package():
    """Load the extension, or the checkout as headless.py does; register it."""
    if EXTENSION:
        import addon_utils

        addon_utils.enable(EXTENSION, default_set=True)
        return EXTENSION
    spec = importlib.util.spec_from_file_location("headless", ROOT / "addon" / "headless.py")
    assert spec and spec.loader
    headless = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(headless)
    headless._load_package()
    sys.modules["blockout"].register()
    return "blockout"


PACKAGE = load_package()


def ours(module):
    """Return a module of the add-on."""
    return importlib.import_module(f"{PACKAGE}.addon.{module}")


def empty():
    """Begin anew; factory settings would also take extensions and their packages away."""
    bpy.ops.wm.read_homefile(use_empty=True)
    return bpy.context.scene


def take_in(ready, by_usd, world=False):
    """Take a prepared stage in; describe what came."""
    scene = empty()
    if world:
        scene.world = bpy.data.worlds.new("mine")
    ours("scene_in").take_in(scene, ready, by_usd=by_usd)
    return describe()


def build(photo, more=(), by_usd=None, **options):
    """Build a photo with the plain function; describe what came."""
    empty()
    options = ours("build").Options(more=tuple(more), **options)
    ours("build").photo_to_scene(photo, options, by_usd=by_usd)
    return describe()


def operate(photo, beside="", temporary="", mode="", **options):
    """Build a photo with the operator; describe what came, or how it was refused.

    Args:
        photo: its path.
        beside: the file that is open.
        temporary: the folder for temporary files; "" is the usual one.
        mode: that a mesh is in at the time.
        options: of the operator.
    """
    empty()
    if beside:
        bpy.ops.wm.open_mainfile(filepath=beside)
    if temporary:
        tempfile.tempdir = temporary
    if mode:
        bpy.ops.mesh.primitive_cube_add()
        bpy.ops.object.mode_set(mode=mode)
    return answer_of(bpy.ops.import_scene.blockout, filepath=photo, **options)


def answer_of(operator, *how, **options):
    """Press a button; describe what is there then, or how it was refused."""
    try:
        answer = operator(*how, **options)
    except RuntimeError as error:  # how reports of errors reach Python
        return {"error": str(error), **describe()}
    return {"answer": sorted(answer), **describe()}


def drop(folder, names):
    """Build photos as Blender does when they are dropped on a viewport; describe what came."""
    empty()
    (handler,) = (one for one in bpy.types.FileHandler.__subclasses__() if one.__name__ == "PhotoHandler")
    group, name = handler.bl_import_operator.split(".")
    operator = getattr(getattr(bpy.ops, group), name)
    return answer_of(operator, "INVOKE_DEFAULT", directory=folder, files=[{"name": name} for name in names])


def may_drop(area):
    """Return whether the handler takes files in an area of a type, None for none, and which files."""
    (handler,) = (one for one in bpy.types.FileHandler.__subclasses__() if one.__name__ == "PhotoHandler")
    context = SimpleNamespace(area=SimpleNamespace(type=area) if area else None)
    return [bool(handler.poll_drop(context)), handler.bl_file_extensions]


def save(blend):
    """Save the open file."""
    bpy.ops.wm.save_as_mainfile(filepath=blend, check_existing=False)


def press_export(stage):
    """Export with the operator; return its answer, or how it was refused."""
    try:
        return sorted(bpy.ops.export_scene.blockout(filepath=stage))
    except RuntimeError as error:
        return str(error)


def export(stage, overwrite=True):
    """Export the blockout of the open file with the plain function; return the files, or the refusal."""
    root = ours("tree").roots_in(bpy.context.scene)[0]
    try:
        return ours("export").export(root, Path(stage), overwrite=overwrite)
    except ours("export").BlockoutError as error:
        return str(error)


def select(names):
    """Select objects, the first of them active."""
    for thing in bpy.context.view_layer.objects:
        thing.select_set(thing.name in names)
    bpy.context.view_layer.objects.active = bpy.data.objects[names[0]]


def edit(names, operator, **arguments):
    """Select solids and press a button of the panel; describe what is there then, or how it was refused."""
    select(names)
    return answer_of(getattr(bpy.ops.blockout, operator), **arguments)


def set_value(name, attribute, value, with_selected=False):
    """Set a slider or a field of an object; describe what is there then."""
    bpy.context.window_manager.blockout.with_selected = with_selected
    setattr(bpy.data.objects[name], attribute, value)
    return describe()


def kill_worker(photo):
    """Let the system end the worker in the middle of its work; return what is told of it, and what is left."""
    run = ours("build").start_photos([Path(photo)], ours("build").Options())
    folder = run.worker.folder
    try:
        while run.fraction == 0:
            run.advance()
            time.sleep(0.02)
        run.worker._process.kill()
        run.wait()
        run.check()
    except ours("build").BlockoutError as error:
        return {"said": str(error), "exit_code": error.exit_code}
    finally:
        run.close()
        assert not folder.exists()


def give_up(photo):
    """Start a worker and close it at once; return how long that takes."""
    run = ours("build").start_photos([Path(photo)], ours("build").Options())
    time.sleep(0.5)
    start = time.monotonic()
    run.close()
    return {"seconds": time.monotonic() - start}


def leave_in_the_middle(photo):
    """End this Blender while a worker runs; nothing tidies up."""
    run = ours("build").start_photos([Path(photo)], ours("build").Options())
    while run.fraction == 0:
        run.advance()
        time.sleep(0.02)
    Path(sys.argv[-1]).write_text(json.dumps([{"worker": run.worker._process.pid}]), "utf-8")
    os._exit(0)


def check_python(outside):
    """Return what the preferences' button finds."""
    return ours("preferences").check_python(outside)


def prefer(**values):
    """Set preferences of the extension; return the words that the panel's options give then."""
    told = bpy.context.preferences.addons[EXTENSION].preferences
    for name, value in values.items():
        setattr(told, name, value)
    return ours("properties").options_of(bpy.context.window_manager.blockout).words()


def describe():
    """Return everything of the open file that tests look at."""
    scene = bpy.context.scene
    bpy.context.view_layer.update()
    render = scene.render
    return {
        "objects": {thing.name: describe_object(thing) for thing in bpy.data.objects},
        "materials": {
            material.name: describe_material(material)
            for material in bpy.data.materials
            if material.node_tree and material.users
        },
        "collections": {c.name: sorted(thing.name for thing in c.objects) for c in bpy.data.collections},
        "mode": bpy.context.mode,
        "camera": scene.camera.name if scene.camera else None,
        "resolution": [render.resolution_x, render.resolution_y, render.resolution_percentage],
        "world": scene.world.name if scene.world else None,
        "unpacked": sorted(image.filepath for image in bpy.data.images if image.users and not image.packed_file),
    }


def describe_object(thing):
    """Return what is compared of one object."""
    facts = {
        "type": thing.type,
        "parent": thing.parent.name if thing.parent else None,
        "matrix_world": [list(row) for row in thing.matrix_world],
        "scale": list(thing.scale),
        "hidden": thing.hide_viewport,
        "properties": {key: thing[key] for key in thing.keys() if isinstance(thing[key], PLAIN)},  # noqa: SIM118
        "color": list(thing.color),
    }
    if thing.type == "MESH":
        mesh = thing.data
        facts["points"] = [list(thing.matrix_world @ vertex.co) for vertex in mesh.vertices]
        facts["faces"] = [list(face.vertices) for face in mesh.polygons]
        facts["flat"] = not any(face.use_smooth for face in mesh.polygons) or mesh.has_custom_normals
        facts["normals"] = [list(corner.vector) for corner in mesh.corner_normals]
        facts["uv"] = [list(corner.uv) for corner in mesh.uv_layers["st"].data] if "st" in mesh.uv_layers else []
        facts["materials"] = [
            mesh.materials[face.material_index].name if mesh.materials else None for face in mesh.polygons
        ]
        facts["seen"] = [v.value for v in mesh.attributes["seen"].data] if "seen" in mesh.attributes else []
        facts["mesh_properties"] = {key: mesh[key] for key in mesh.keys() if isinstance(mesh[key], PLAIN)}  # noqa: SIM118
    if thing.type == "CAMERA":
        lens = thing.data
        names = ("lens", "sensor_width", "sensor_height", "shift_x", "shift_y", "clip_start", "clip_end")
        facts["lens"] = {name: getattr(lens, name) for name in names} | {"fit": lens.sensor_fit}
        facts["background"] = [bool(image.image and image.image.size[0]) for image in lens.background_images]
    return facts


def describe_material(material):
    """Return colour, roughness and picture of a material."""
    surface = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    colour = surface.inputs["Base Color"]
    picture = colour.links[0].from_node.image.name if colour.is_linked else None
    return {
        "colour": None if picture else list(colour.default_value),
        "roughness": surface.inputs["Roughness"].default_value,
        "picture": picture,
        "viewport": list(material.diffuse_color),
    }


def project(points):
    """Return where the scene's camera shows world points: (x, y) px from the upper left corner."""
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector

    scene = bpy.context.scene
    width, height = scene.render.resolution_x, scene.render.resolution_y
    views = [world_to_camera_view(scene, scene.camera, Vector(point)) for point in points]
    return [[view.x * width, (1 - view.y) * height] for view in views]


def main():
    """Answer the calls one after the other, in one Blender."""
    calls = json.loads(Path(sys.argv[-2]).read_text("utf-8"))
    answers = [globals()[name](**arguments) for name, arguments in calls]
    Path(sys.argv[-1]).write_text(json.dumps(answers), "utf-8")
    sys.stdout.flush()
    os._exit(0)  # the module of Blender 4.2 crashes while Python ends, once any class was registered


main()
