"""A recording stand-in for ``maya.cmds``: refuses what Autodesk does not document, and builds what a script asks for.

Flags are those of the Maya 2023 command reference for Python, by command, with their types; a script may use no others,
and none by a short name. Nodes are known by unique names here, which a new scene gives them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

TRIPLE = "three numbers"
FLAGS: dict[str, dict[str, Any]] = {
    "addAttr": dict.fromkeys(("longName", "shortName", "niceName", "attributeType", "dataType", "parent"), str)
    | {"defaultValue": float, "keyable": bool},
    "camera": dict.fromkeys(
        (
            "aspectRatio",
            "cameraScale",
            "centerOfInterest",
            "farClipPlane",
            "filmFitOffset",
            "focalLength",
            "horizontalFilmAperture",
            "horizontalFilmOffset",
            "nearClipPlane",
            "overscan",
            "verticalFilmAperture",
            "verticalFilmOffset",
        ),
        float,
    )
    | {"filmFit": str, "name": str, "orthographic": bool, "position": TRIPLE, "rotation": TRIPLE},
    "connectAttr": {"force": bool, "lock": bool, "nextAvailable": bool, "referenceDest": str},
    "currentUnit": {"angle": str, "fullName": bool, "linear": str, "time": str, "updateAnimation": bool},
    "delete": {"attribute": str}
    | dict.fromkeys(("all", "channels", "constraints", "constructionHistory", "expressions"), bool),
    "group": {"name": str, "parent": str, "useAxis": str}
    | dict.fromkeys(("absolute", "empty", "relative", "world"), bool),
    "objExists": {},
    "parent": dict.fromkeys(
        ("absolute", "addObject", "noConnections", "noInvScale", "relative", "removeObject", "shape", "world"), bool
    ),
    "polyCreateFacet": {"name": str, "point": [TRIPLE], "subdivision": int, "texture": int}
    | dict.fromkeys(("constructionHistory", "hole"), bool),
    "polyMergeVertex": {"distance": float, "name": str}
    | dict.fromkeys(("alwaysMergeTwoVertices", "caching", "constructionHistory", "worldSpace"), bool),
    "polySoftEdge": {"angle": float, "name": str, "nodeState": int}
    | dict.fromkeys(("caching", "constructionHistory", "worldSpace"), bool),
    "polyUnite": {"caching": bool, "centerPivot": bool, "mergeUVSets": int, "nodeState": int, "objectPivot": bool},
    "rename": {"ignoreShape": bool, "uuid": bool},
    "select": dict.fromkeys(
        ("add", "addFirst", "all", "clear", "deselect", "hierarchy", "noExpand", "replace", "toggle", "visible"), bool
    ),
    "setAttr": {"size": int, "type": str}
    | dict.fromkeys(("alteredValue", "caching", "channelBox", "clamp", "keyable", "lock"), bool),
    "sets": dict.fromkeys(("add", "forceElement", "name", "remove"), str)
    | dict.fromkeys(("empty", "noSurfaceShader", "renderable"), bool),
    "shadingNode": {"name": str, "parent": str}
    | dict.fromkeys(("asLight", "asPostProcess", "asRendering", "asShader", "asTexture", "asUtility"), bool),
    "undoInfo": {"chunkName": str} | dict.fromkeys(("closeChunk", "openChunk", "state", "stateWithoutFlush"), bool),
    "upAxis": {"axis": str, "rotateView": bool},
    "xform": {"matrix": [float], "rotation": TRIPLE, "scale": TRIPLE, "translation": TRIPLE}
    | dict.fromkeys(("absolute", "objectSpace", "relative", "worldSpace"), bool),
}
MODES = {"currentUnit": {"query"}, "sets": {"query", "edit"}, "undoInfo": {"query"}, "upAxis": {"query"}}
MODES |= {"camera": {"query", "edit"}, "xform": {"query"}, "addAttr": {"query", "edit"}}


def fits(value: Any, kind: Any) -> bool:
    """Return whether a value is of the type that a flag takes."""
    if kind == TRIPLE:
        return len(value) == 3 and all(fits(one, float) for one in value)
    if isinstance(kind, list):
        return len(value) > 0 and all(fits(one, kind[0]) for one in value)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def check_flags(command: str, flags: dict[str, Any]) -> None:
    """Assert that Autodesk documents flags of a command, with values of these types.

    A flag that is queried is given as True, whatever its type.
    """
    modes = {name for name in flags if name in MODES.get(command, ())}
    assert all(flags[mode] is True for mode in modes)
    for name in flags.keys() - modes:
        assert name in FLAGS[command], f"{command} has no documented flag {name}"
        kind = bool if "query" in modes else FLAGS[command][name]
        assert fits(flags[name], kind), f"{command} takes no {flags[name]!r} as {name}"


@dataclass
class Node:
    """A transform: polygons are lists of point numbers."""

    parent: str = ""
    matrix: np.ndarray = field(default_factory=lambda: np.eye(4))
    points: np.ndarray | None = None
    faces: list[list[int]] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    lens: dict[str, Any] = field(default_factory=dict)


class MayaScene(ModuleType):
    """What a script has made, and the commands that make it; stands in for the module ``maya.cmds``."""

    def __init__(self, up: str = "y") -> None:
        super().__init__("maya.cmds")
        self.up, self.unit, self.depth = up, "m", 0
        self.nodes: dict[str, Node] = {}
        self.others: dict[str, dict[str, Any]] = {"defaultResolution": {}}  # shaders and what has no place
        self.links: dict[str, str] = {}
        self.members: dict[str, str] = {}  # shading group by mesh

    def __getattribute__(self, name: str) -> Any:
        """Return a command that checks its flags."""
        if name not in FLAGS:
            return super().__getattribute__(name)
        command = super().__getattribute__(f"do_{name}")

        def checked(*arguments: Any, **flags: Any) -> Any:
            check_flags(name, flags)
            return command(*arguments, **flags)

        return checked

    def world(self, name: str) -> np.ndarray:
        """Return the (4, 4) world matrix of a node, for column vectors."""
        node = self.nodes[name]
        return self.world(node.parent) @ node.matrix if node.parent else node.matrix

    def do_group(self, *, empty: bool, name: str) -> str:
        assert empty
        return self._add(name, Node())

    def do_parent(self, child: str, parent: str, *, relative: bool) -> list[str]:
        assert relative and parent in self.nodes
        self.nodes[child].parent = parent
        return [child]

    def do_polyCreateFacet(self, *, point: list[list[float]], constructionHistory: bool) -> list[str]:  # noqa: N802
        assert self.unit == "cm", "lengths are taken in the user's unit"
        assert not constructionHistory and len(point) > 2
        name = self._add(f"polySurface{len(self.nodes)}", Node(points=np.array(point), faces=[[*range(len(point))]]))
        return [name]

    def do_polyUnite(self, *sheets: str) -> list[str]:  # noqa: N802
        assert len(sheets) > 1
        made = Node(points=np.zeros((0, 3)))
        for sheet in sheets:
            node = self.nodes[sheet]
            made.faces += [[len(made.points) + i for i in face] for face in node.faces]
            made.points = np.concatenate([made.points, node.points])
            node.points, node.faces = None, []  # history keeps the empty transforms
        return [self._add(f"polySurface{len(self.nodes)}", made), "polyUnite1"]

    def do_polyMergeVertex(self, mesh: str, *, distance: float) -> list[str]:  # noqa: N802
        node = self.nodes[mesh]
        assert node.points is not None
        kept: list[np.ndarray] = []
        target = []
        for point in np.asarray(node.points):
            near = [k for k, other in enumerate(kept) if np.linalg.norm(point - other) <= distance]
            target.append(near[0] if near else len(kept))
            kept += [] if near else [point]
        node.points, node.faces = np.array(kept), [[target[i] for i in face] for face in node.faces]
        return ["polyMergeVert1"]

    def do_polySoftEdge(self, mesh: str, *, angle: float) -> None:  # noqa: N802
        self.nodes[mesh].attributes["hard"] = angle == 0

    def do_delete(self, names: str | list[str], *, constructionHistory: bool = False) -> None:
        for name in [names] if isinstance(names, str) else names:
            assert name in self.nodes
            if not constructionHistory:
                del self.nodes[name]

    def do_objExists(self, name: str) -> bool:  # noqa: N802
        return name in self.nodes or name in self.others

    def do_rename(self, old: str, new: str) -> str:
        self.nodes[new] = self.nodes.pop(old)
        return new

    def do_camera(self, **lens: Any) -> list[str]:
        return [self._add("camera1", Node(lens=lens)), "cameraShape1"]

    def do_xform(self, name: str, *, matrix: list[float], objectSpace: bool) -> None:
        assert objectSpace
        self.nodes[name].matrix = np.reshape(matrix, (4, 4)).T

    def do_setAttr(self, plug: str, *values: Any, type: str = "") -> None:  # noqa: N802
        name, _, attribute = plug.partition(".")
        if attribute == "translate":
            assert type == "double3"
            self.nodes[name].matrix[:3, 3] = values
            return
        known = self.nodes[name].attributes if name in self.nodes else self.others[name]
        if name in self.nodes and attribute != "rotateX":
            assert attribute in known, f"{attribute} was not added"
            assert (type == "string") == (known[attribute] == "string")
        known[attribute] = values[0] if len(values) == 1 else values

    def do_addAttr(self, node: str, *, longName: str, dataType: str = "", attributeType: str = "") -> None:  # noqa: N802
        assert longName.isidentifier() and (dataType == "string") != (attributeType in ("long", "double"))
        self.nodes[node].attributes[longName] = dataType or attributeType

    def do_shadingNode(self, kind: str, *, asShader: bool, name: str) -> str:  # noqa: N802
        assert kind == "lambert" and asShader and name not in self.others
        self.others[name] = {}
        return name

    def do_sets(self, *members: str, **flags: Any) -> str | None:
        if "forceElement" in flags:
            assert flags["edit"] and flags["forceElement"] in self.others
            self.members |= dict.fromkeys(members, flags["forceElement"])
            return None
        assert flags.keys() == {"renderable", "noSurfaceShader", "empty", "name"}
        self.others[flags["name"]] = {}
        return str(flags["name"])

    def do_connectAttr(self, source: str, target: str, *, force: bool) -> None:  # noqa: N802
        assert force and source.endswith(".outColor") and target.endswith(".surfaceShader")
        self.links[target.partition(".")[0]] = source.partition(".")[0]

    def do_currentUnit(self, *, linear: Any, query: bool = False) -> str:  # noqa: N802
        if not query:
            self.unit = linear
        return self.unit

    def do_undoInfo(self, *, openChunk: bool = False, closeChunk: bool = False) -> None:  # noqa: N802
        self.depth += openChunk - closeChunk

    def do_upAxis(self, *, query: bool, axis: bool) -> str:  # noqa: N802
        assert query and axis
        return self.up

    def do_select(self, name: str) -> None:
        assert name in self.nodes

    def _add(self, name: str, node: Node) -> str:
        assert name not in self.nodes, f"{name} is there already"
        self.nodes[name] = node
        return name
