"""The demo world: three synthetic domains in which the reasons for every choice are known.

People have tastes that hold in every domain. An item shows two or three tastes in its text, and a
setting that matters to nobody; a person chooses it for one of the tastes and says so in the review.
Hence what the item texts leave open (which of an item's sides mattered) is written in the reviews,
and a good rationale carries it over to the other domains.

Everything is invented, and says so: ids begin with ``demo-`` and every brand with "Synthetic".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import numpy as np
import polars as pl

from pulse_pipeline.domains import DEMO_DOMAINS
from pulse_pipeline.interactions import demo_vocabulary as words

DEMO_SEED = 7  # none of the worlds that the generator and the prompts were shaped on
N_USERS = 160
N_SHARED_USERS = 55
N_ITEMS = 175
MIN_LENGTH, MAX_LENGTH = 6, 14

DOMINANT_PULL = 5.0
EARLY_PULL = 0.4
MINOR_PULL = 2.0
POPULARITY_SPREAD = 0.2
THREE_SIDED_SHARE = 0.2

_FIRST_DAY = 1_546_300_800  # 2019-01-01
_DAY = 86_400
T = TypeVar("T")
_BY_NAME = {taste.name: taste for taste in words.TASTES}


@dataclass(frozen=True)
class DemoDomain:
    """One domain as raw tables.

    Attributes:
        interactions: `user_id, item_id, rating, timestamp, review_title, review_text`.
        items: `item_id, title, brand, categories, price, description`.
    """

    interactions: pl.DataFrame = field(repr=False)
    items: pl.DataFrame = field(repr=False)


@dataclass(frozen=True)
class DemoWorld:
    """The generated domains with the truth that they were generated from.

    Attributes:
        domains: Each domain under its name.
        user_tastes: The dominant and the minor taste of each user.
        item_tastes: The two or three tastes that each item shows.
    """

    domains: dict[str, DemoDomain]
    user_tastes: dict[str, tuple[str, str]]
    item_tastes: dict[str, tuple[str, ...]]


@cache
def generate(seed: int = DEMO_SEED) -> DemoWorld:
    """Make the world of a seed; the same seed gives the same world.

    Args:
        seed: Any number from 0.

    Returns:
        `N_USERS` users and `N_ITEMS` items a domain; `N_SHARED_USERS` users are in every domain.
    """
    rng = np.random.default_rng(seed)
    n_all = N_SHARED_USERS + len(DEMO_DOMAINS) * (N_USERS - N_SHARED_USERS)
    user_tastes = {f"demo-user-{i:03d}": pair for i, pair in enumerate(_draw_tastes(rng, n_all, 2))}
    everyone = list(user_tastes)
    own = np.array_split(np.array(everyone[N_SHARED_USERS:]), len(DEMO_DOMAINS))
    item_tastes: dict[str, tuple[str, ...]] = {}
    domains = {}
    titles: set[str] = set()
    for name, newcomers in zip(DEMO_DOMAINS, own, strict=True):
        sides = _draw_sides(rng, name)
        item_tastes |= sides
        items = pl.DataFrame(
            [_item(rng, name, key, shown, titles) for key, shown in sides.items()], _ITEM_TYPES
        )
        users = {user: user_tastes[user] for user in [*everyone[:N_SHARED_USERS], *newcomers.tolist()]}
        rows = list(_interactions(rng, name, users, sides))
        domains[name] = DemoDomain(pl.DataFrame(rows, _INTERACTION_TYPES), items)
    return DemoWorld(domains, {user: (pair[0], pair[1]) for user, pair in user_tastes.items()}, item_tastes)


_ITEM_TYPES: dict[str, Any] = {
    "item_id": pl.String,
    "title": pl.String,
    "brand": pl.String,
    "categories": pl.List(pl.String),
    "price": pl.Float32,
    "description": pl.String,
}
_INTERACTION_TYPES: dict[str, Any] = {
    "user_id": pl.String,
    "item_id": pl.String,
    "rating": pl.Float32,
    "timestamp": pl.Int64,
    "review_title": pl.String,
    "review_text": pl.String,
}


def _draw_tastes(rng: np.random.Generator, n: int, size: int) -> list[tuple[str, ...]]:
    """`n` tuples of `size` different tastes; each taste comes first equally often."""
    names = [taste.name for taste in words.TASTES]
    firsts = rng.permutation(np.resize(np.array(names), n)).tolist()
    rest = [
        rng.permutation([name for name in names if name != first])[: size - 1].tolist() for first in firsts
    ]
    return [(first, *others) for first, others in zip(firsts, rest, strict=True)]


def _draw_sides(rng: np.random.Generator, domain: str) -> dict[str, tuple[str, ...]]:
    prefix = domain.lower().replace("_", "-").removesuffix("s")
    three = rng.random(N_ITEMS) < THREE_SIDED_SHARE
    drawn = _draw_tastes(rng, N_ITEMS, 3)
    return {f"{prefix}-{i:03d}": sides if three[i] else sides[:2] for i, sides in enumerate(drawn)}


def _item(
    rng: np.random.Generator, domain: str, item_id: str, sides: tuple[str, ...], titles: set[str]
) -> dict[str, Any]:
    medium = words.MEDIA[domain]
    setting = _pick(rng, words.SETTINGS)
    tastes = [_BY_NAME[side] for side in rng.permutation(np.array(sides)).tolist()]
    opening = _pick(rng, medium.openings).format(scene=_pick(rng, setting.scenes))
    frames = rng.permutation(np.array(medium.frames)).tolist()
    crafts = rng.permutation(np.array(medium.craft_frames)).tolist()
    sentences = [opening]
    for taste, frame, craft in zip(tastes, frames, crafts, strict=False):
        first, second = rng.choice(len(taste.elements), 2, replace=False)
        sentences.append(frame.format(element=f"{taste.elements[first]} and {taste.elements[second]}"))
        sentences.append(craft.format(craft=_pick(rng, taste.craft[domain])))
    return {
        "item_id": item_id,
        "title": _title(rng, tastes, setting, titles),
        "brand": medium.maker,
        "categories": [_pick(rng, medium.shelves)],
        "price": round(float(rng.uniform(3, 40)), 2),
        "description": " ".join(sentence[0].upper() + sentence[1:] for sentence in sentences),
    }


def _title(
    rng: np.random.Generator, tastes: list[words.Taste], setting: words.Setting, titles: set[str]
) -> str:
    """A title that no other item has."""
    while True:
        one, other = _pick(rng, tastes), _pick(rng, tastes)
        place, adjective, noun = (
            _pick(rng, setting.places),
            _pick(rng, one.adjectives),
            _pick(rng, other.nouns),
        )
        patterns = (
            f"The {adjective} {place}",
            f"{noun} of the {place}",
            f"{adjective} {noun}",
            f"The {adjective} {noun}",
            f"{noun} and {_pick(rng, one.nouns)}",
        )
        title = _pick(rng, patterns)
        if title not in titles:
            titles.add(title)
            return title


def _interactions(
    rng: np.random.Generator,
    domain: str,
    users: dict[str, tuple[str, ...]],
    sides: dict[str, tuple[str, ...]],
) -> Iterator[dict[str, Any]]:
    popularity = rng.normal(0.0, POPULARITY_SPREAD, len(sides))
    keys = list(sides)
    for user, (dominant, minor) in users.items():
        likes = np.array([dominant in shown for shown in sides.values()], dtype=float)
        also = np.array([minor in shown for shown in sides.values()], dtype=float)
        length = int(rng.integers(MIN_LENGTH, MAX_LENGTH + 1))
        times = _FIRST_DAY + int(rng.integers(0, 600)) * _DAY + np.cumsum(rng.exponential(25 * _DAY, length))
        free = np.ones(len(keys), dtype=bool)
        for step in range(length):
            told = EARLY_PULL + (1 - EARLY_PULL) * step / (length - 1)
            logits = (
                told * (DOMINANT_PULL * likes + MINOR_PULL * also) + popularity + rng.gumbel(size=len(keys))
            )
            chosen = int(np.argmax(np.where(free, logits, -np.inf)))
            free[chosen] = False
            reason = dominant if likes[chosen] else minor if also[chosen] else None
            yield {
                "user_id": user,
                "item_id": keys[chosen],
                "timestamp": int(times[step]),
                **_review(rng, domain, reason, dominant),
            }


def _review(rng: np.random.Generator, domain: str, reason: str | None, dominant: str) -> dict[str, Any]:
    """What a person says of an item: the reason it was chosen for, or what was missed in it."""
    medium = words.MEDIA[domain]
    if reason is None:
        missed = _pick(rng, _BY_NAME[dominant].wants)
        return {
            "rating": float(rng.integers(1, 4)),
            "review_title": _pick(rng, words.REGRET_TITLES),
            "review_text": _pick(rng, words.REGRETS).format(want=missed, noun=medium.noun),
        }
    taste = _BY_NAME[reason]
    sentences = [
        _pick(rng, words.REASONS).format(want=_pick(rng, taste.wants), noun=medium.noun),
        _pick(rng, taste.details),
    ]
    if rng.random() < 0.5:
        sentences.append(_pick(rng, medium.closers))
    return {
        "rating": float(rng.choice([4, 5, 5])),
        "review_title": _pick(rng, taste.verdicts),
        "review_text": " ".join(sentences),
    }


def _pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    return options[int(rng.integers(len(options)))]
