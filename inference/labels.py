"""Tell sky, ground and structure from objects by the words of a label."""

from __future__ import annotations

import re

from .prediction import Kind

UNLABELLED = "segment"
_WORDS: dict[Kind, str] = {
    "sky": "sky cloud fog",
    "ground": """
        ground floor flooring terrain earth land soil dirt mud sand gravel grass lawn moss meadow field playingfield
        court snow ice desert beach road street lane crosswalk highway driveway runway track railroad path pathway
        trail sidewalk pavement footpath curb parking lot plaza square yard carpet rug mat
        water sea ocean river lake pond pool""",
    "structure": """
        wall ceiling roof building edifice facade house skyscraper tower castle church temple barn garage shed hut
        cabin hovel lighthouse greenhouse apartment bridge overpass tunnel pier platform stage grandstand fence
        railing rail guardrail banister bannister handrail gate balcony porch awning arch column pillar beam chimney
        fireplace stairs stair staircase stairway step escalator window windowpane door doorway doorframe
        blind hill mountain mount cliff structure structural otherstructure""",
}
_MASSES = """
    tree vegetation plant flora palm bush hedge branch leaves grass flower fruit vegetable salad food books paper cloth
    clothes textile fabric crowd curtain drapery furniture banner signboard rock stone rubble wood metal plastic net
    cage lights light stuff other otherprop otherfurniture solid liquid straw thing"""  # one mask of them may be many
_UNCOUNTABLE = frozenset(_MASSES.split())
_KIND_OF_WORD: dict[str, Kind] = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_MODIFIERS = frozenset(  # what COCO-Stuff and others put after the noun: "wall-brick", "door-stuff"
    ["other", "stuff", "brick", "concrete", "panel", "stone", "tile", "wood", "marble", "metal", "merged", "plain"]
)


def kind_of(label: str) -> Kind:
    """Return the kind of thing that a label names; what is none of sky, ground and structure is an object.

    The last word decides, as in English compounds (a "brick wall" is a wall, a "street sign" is not a street), after
    modifiers that data sets put behind the noun ("wall-brick", "sky-other"); of synonyms ("floor, flooring") the first.
    """
    word = (words_of(label) or [""])[-1]
    return _KIND_OF_WORD.get(word) or _KIND_OF_WORD.get(word.removesuffix("s")) or "object"


def is_countable(label: str) -> bool:
    """Tell whether a network's mask of this label is one thing, and not everything of its class."""
    return kind_of(label) == "object" and (words_of(label) or ["thing"])[-1] not in _UNCOUNTABLE


def words_of(label: str) -> list[str]:
    """Return a label's words in lower case, the noun last; of synonyms only the first, and none without letters."""
    words = re.findall(r"[^\W\d_]+", re.split(r"[,;/|(]", label.lower())[0])
    while len(words) > 1 and words[-1] in _MODIFIERS:
        words.pop()
    return words
