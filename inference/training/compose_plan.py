"""What a data set of composites consists of, and what its n-th sample is: a function of seed and number alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

Layout = Literal["shards", "tree", "flat"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
MASK_64 = (1 << 64) - 1


@dataclass(frozen=True)
class Recipe:
    """All that decides the bytes of a data set.

    Attributes:
        foregrounds, backgrounds: paths, in the order of their numbers.
        layout: "shards" (WebDataset), "tree" (bg_1/fg_1/overlay/1.jpg) or "flat" (bg_fg/bg001_fg001_01.jpeg).
        size: (height, width) px of each picture.
        placements: random places and sizes for each pair of pictures.
        mirror: whether each pair gets as many again with the foreground mirrored.
        count: how many samples, spread over all that there are; None is all.
        shares: least and largest height of a foreground as share of the picture's.
        seed: decides places, sizes and order.
        depth: the estimator that looks at each composite, None for none.
        background_depths: folder of depth maps that are known, named as the backgrounds; None for none.
        depth_far_m: depth that is white in the 8-bit maps of the layouts "tree" and "flat".
        quality: of JPEG, 1 to 100.
        chunk: samples in a shard, or that a worker takes at once.
    """

    foregrounds: tuple[str, ...]
    backgrounds: tuple[str, ...]
    layout: Layout = "shards"
    size: tuple[int, int] = (224, 224)
    placements: int = 20
    mirror: bool = True
    count: int | None = None
    shares: tuple[float, float] = (0.2, 0.7)
    seed: int = 0
    depth: str | None = None
    background_depths: str | None = None
    depth_far_m: float = 10.0
    quality: int = 90
    chunk: int = 1000

    @cached_property
    def variants(self) -> int:
        """Return how many samples each pair of pictures has."""
        return self.placements * (2 if self.mirror else 1)

    @cached_property
    def possible(self) -> int:
        """Return how many samples there are in all."""
        return len(self.backgrounds) * len(self.foregrounds) * self.variants

    @cached_property
    def samples(self) -> int:
        """Return how many samples the data set has."""
        return self.possible if self.count is None else min(self.count, self.possible)

    @cached_property
    def chunks(self) -> int:
        """Return into how many shards, or portions of work, the samples are divided."""
        return -(-self.samples // self.chunk)

    @property
    def has_depth(self) -> bool:
        """Return whether each sample has a depth map."""
        return self.depth is not None or self.background_depths is not None

    def numbers(self, chunk: int) -> range:
        """Return the numbers of a chunk's samples."""
        return range(chunk * self.chunk, min((chunk + 1) * self.chunk, self.samples))


@dataclass(frozen=True)
class Sample:
    """One composite before it is drawn.

    Attributes:
        number: in the data set, from 0.
        background, foreground: indices into the recipe's paths.
        variant: from 1; the mirrored ones follow the others.
        mirrored: whether the foreground is mirrored.
        draws: uniform in 0..1, for size, x and y.
    """

    number: int
    background: int
    foreground: int
    variant: int
    mirrored: bool
    draws: tuple[float, ...]

    def record(self, box: tuple[int, int, int, int]) -> dict[str, Any]:
        """Return what is written beside the pictures; ``box`` is x, y, width, height in px."""
        return {
            "number": self.number,
            "background": self.background + 1,
            "foreground": self.foreground + 1,
            "variant": self.variant,
            "mirrored": self.mirrored,
            "box": list(box),
        }


def plan(recipe: Recipe, number: int) -> Sample:
    """Return the sample of a number, whoever asks and in whatever order.

    Shards, which trainers read from start to end, and selections hold the samples shuffled; files that have names
    stand in the order of these.
    """
    is_shuffled = recipe.layout == "shards" or recipe.count is not None
    index = shuffle(number, recipe.possible, recipe.seed) if is_shuffled else number
    pair, variant = divmod(index, recipe.variants)
    background, foreground = divmod(pair, len(recipe.foregrounds))
    return Sample(
        number, background, foreground, variant + 1, variant >= recipe.placements, draw(recipe.seed, index, 3)
    )


def draw(seed: int, index: int, count: int) -> tuple[float, ...]:
    """Return numbers uniform in 0..1 that depend on seed and index alone, and on no library's version."""
    return tuple((_mix(_mix(seed) + count * index + turn) >> 11) * 2.0**-53 for turn in range(count))


def shuffle(number: int, count: int, seed: int) -> int:
    """Return what stands at a place of 0..count-1 shuffled, without making the list: a permutation by number.

    A Feistel network permutes the next larger square of a power of two; what leaves the range goes round again.

    Source: Black and Rogaway, Ciphers with arbitrary finite domains (2002), cycle walking.
    """
    half_bits = ((count - 1).bit_length() + 1) // 2
    if half_bits == 0:
        return number
    low = (1 << half_bits) - 1
    while True:
        left, right = number >> half_bits, number & low
        for turn in range(4):
            left, right = right, left ^ (_mix(_mix(4 * seed + turn) + right) & low)
        number = left << half_bits | right
        if number < count:
            return number


def _mix(value: int) -> int:
    """Return 64 bits that each bit of a number changes. Source: Steele et al., splittable generators (2014)."""
    value = (value + 0x9E3779B97F4A7C15) & MASK_64
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & MASK_64
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & MASK_64
    return value ^ value >> 31
