"""Scene -> a Python script of plain ``maya.cmds`` calls, for a Maya without mayaUSD; no geometry decisions here."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from .frames import MM_PER_INCH, USD_CAMERA_FROM_CV, carry_pose, lens_mm, stage_from_world, transform
from .meshes import Mesh, mesh_of
from .names import encodable, stem
from .scene import Prism, Scene
from .usd_solids import metadata_of

NEAR_CM, FAR_CM = 1.0, 1e6

# What the script does in Maya. Long flags only, and only such as Autodesk documents for the command in question.
PROGRAM = """
def make_group(thing):
    group = cmds.group(empty=True, name=thing["name"])
    group = cmds.parent(group, NODES[thing["parent"]], relative=True)[0]
    cmds.setAttr(group + ".translate", *thing["offset"], type="double3")
    return group


def make_mesh(thing, group):
    sheets = []
    for face in thing["faces"]:
        sheets.append(cmds.polyCreateFacet(point=[thing["points"][i] for i in face], constructionHistory=False)[0])
    mesh = cmds.polyUnite(*sheets)[0]
    cmds.polyMergeVertex(mesh, distance=WELD)
    cmds.polySoftEdge(mesh, angle=0)
    cmds.delete(mesh, constructionHistory=True)
    left = [sheet for sheet in sheets if cmds.objExists(sheet)]
    if left:
        cmds.delete(left)
    mesh = cmds.parent(mesh, group, relative=True)[0]
    return cmds.rename(mesh, thing["mesh"])


def paint(thing, mesh):
    shader = cmds.shadingNode("lambert", asShader=True, name=thing["material"])
    cmds.setAttr(shader + ".color", *thing["colour"], type="double3")
    shading_group = cmds.sets(renderable=True, noSurfaceShader=True, empty=True, name=shader + "_sg")
    cmds.connectAttr(shader + ".outColor", shading_group + ".surfaceShader", force=True)
    cmds.sets(mesh, edit=True, forceElement=shading_group)


def describe(node, facts):
    for name, value in facts.items():
        if isinstance(value, str):
            cmds.addAttr(node, longName=name, dataType="string")
            cmds.setAttr(node + "." + name, value, type="string")
        else:
            cmds.addAttr(node, longName=name, attributeType="long" if isinstance(value, int) else "double")
            cmds.setAttr(node + "." + name, value)


def make_camera(root):
    camera = cmds.camera(**CAMERA["lens"])[0]
    camera = cmds.parent(cmds.rename(camera, CAMERA["name"]), root, relative=True)[0]
    cmds.xform(camera, matrix=CAMERA["matrix"], objectSpace=True)
    cmds.setAttr("defaultResolution.width", CAMERA["width"])
    cmds.setAttr("defaultResolution.height", CAMERA["height"])
    cmds.setAttr("defaultResolution.deviceAspectRatio", CAMERA["width"] / CAMERA["height"])


def build():
    unit = cmds.currentUnit(query=True, linear=True)
    cmds.undoInfo(openChunk=True)
    cmds.currentUnit(linear="cm")
    try:
        root = NODES[""] = cmds.group(empty=True, name="Blockout")
        make_camera(root)
        for thing in THINGS:
            NODES[thing["name"]] = group = make_group(thing)
            describe(group, thing["facts"])
            if "faces" in thing:
                paint(thing, make_mesh(thing, group))
        if cmds.upAxis(query=True, axis=True) == "z":
            cmds.setAttr(root + ".rotateX", 90)
        cmds.select(root)
    finally:
        cmds.currentUnit(linear=unit)
        cmds.undoInfo(closeChunk=True)


NODES = {}
build()
"""


def maya_text(scene: Scene) -> str:
    """Return a script that builds the finest level of a scene in Maya: groups, polygons, camera, colours, attributes.

    Lengths are centimetres, Y up, as in the stage; names and tree are the stage's.
    """
    stage = stage_from_world("cm", "Y")
    things: list[dict[str, Any]] = [{"name": "segments", "parent": "", "offset": [0.0, 0.0, 0.0], "facts": {}}]
    for prism in scene.prisms:
        _add(things, prism, "segments", np.zeros(3), stage)
    weld = min((_shortest_edge(thing) for thing in things if "faces" in thing), default=1.0) / 10
    photo = encodable(scene.photo.path.name).replace('"', "'").replace("\\", "/")
    parts = [
        f'"""The blockout of {photo}: run it in the Python tab of Maya\'s Script Editor."""\n',
        "import json\n\nfrom maya import cmds\n",
        f"CAMERA = json.loads(r'''{_json(_camera(scene, stage))}''')",
        f"THINGS = json.loads(r'''{_json(things)}''')",
        f"WELD = {weld:.6g}  # cm: corners of faces that are nearer are one point",
        PROGRAM,
    ]
    return "\n".join(parts)


def _json(value: object) -> str:
    """Return JSON that stays one Python literal: ASCII, and no quote that could end it."""
    return json.dumps(value).replace("'", "\\u0027")


def _add(things: list[dict[str, Any]], prism: Prism, parent: str, above: np.ndarray, stage: np.ndarray) -> None:
    """Add a prism's group, and its polygons or its parts; ``above`` is the pivot of the group above, (3,) cm."""
    solids = {solid.name: mesh_of(solid) for solid in prism.walk() if not solid.children}
    points = transform(stage, np.concatenate([mesh.points for mesh in solids.values()]))
    low, high = points.min(axis=0), points.max(axis=0)
    foot = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    facts = {name: value for name, (_, value) in metadata_of(prism).items()}
    thing = {"name": prism.name, "parent": parent, "offset": (foot - above).tolist(), "facts": facts}
    things.append(thing)
    if not prism.children:
        thing |= _polygons(solids[prism.name], stage, foot)
        thing |= {"mesh": f"{stem(prism.name)}_geo", "material": f"{stem(prism.name)}_mtl"}
        thing["colour"] = prism.colour.tolist()
    for child in prism.children:
        _add(things, child, prism.name, foot, stage)


def _polygons(mesh: Mesh, stage: np.ndarray, foot: np.ndarray) -> dict[str, Any]:
    points = transform(stage, mesh.points) - foot
    faces = np.split(mesh.face_points, np.cumsum(mesh.face_sizes)[:-1])
    return {"points": np.round(points, 5).tolist(), "faces": [face.tolist() for face in faces]}


def _shortest_edge(thing: dict[str, Any]) -> float:
    points = np.array(thing["points"])
    edges = [(face[k - 1], face[k]) for face in thing["faces"] for k in range(len(face))]
    first, second = points[np.array(edges)].transpose(1, 0, 2)
    return float(np.linalg.norm(first - second, axis=1).min())


def _camera(scene: Scene, stage: np.ndarray) -> dict[str, Any]:
    """Return pose and lens, apertures in inches; Maya writes matrices for row vectors."""
    pose = carry_pose(stage, scene.world_from_camera @ USD_CAMERA_FROM_CV)
    lens = lens_mm(scene.camera)
    return {
        "name": "photo_cam",
        "matrix": pose.T.ravel().tolist(),
        "width": scene.camera.width,
        "height": scene.camera.height,
        "lens": {
            "focalLength": lens["focal_length"],
            "horizontalFilmAperture": lens["horizontal_aperture"] / MM_PER_INCH,
            "verticalFilmAperture": lens["vertical_aperture"] / MM_PER_INCH,
            "horizontalFilmOffset": lens["horizontal_aperture_offset"] / MM_PER_INCH,
            "verticalFilmOffset": lens["vertical_aperture_offset"] / MM_PER_INCH,
            "filmFit": "horizontal",
            "nearClipPlane": NEAR_CM,
            "farClipPlane": FAR_CM,
        },
    }
