"""docs/bets.md from docs/bets.json: the page holds no figure of its own."""

import json
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from pulse_pipeline.files import replacing

HEADER = """\
# Where rationales pay, and where they do not

Generated from `bets.json`, which `python -m benchmarks.bets`, `benchmarks.draws` (rationales averaged)
and `benchmarks.complaints` fill. NDCG@10 of test items, leave-one-out, full ranking; every weight is chosen
on validation items. Each row is a model with something minus the same without it, trained again
(complaints: the same training, read with them and without); 95 % intervals by bootstrap over users,
differences paired. Intervals leave out what the chance of training does: where it was written down, *±* is
how far the differences of single seeds stand apart (standard deviation), and one that is not well above it
need not be of what was taken away.
*Untrained* is text-kNN with its few scalars fitted; *trained* is the whole Thought Space, counts included,
the mean over seeds.

*Shuffled* gives every item (or user) what was written about another; *random words* are drawn from the
catalogue's texts, as many as were written; *texts as item thoughts* shows the text twice, which is the width
of two views with nothing new in the second. A gain that these keep is no gain of what was written. Where
validation gives them the weight 0, the model is made without them and ranks as without thoughts, to the
digit. Qwen2.5-Coder-1.5B ran in int8 (W8A8 where the name says so). Rationales of users are served as far as
validation lets them be, on Gift_Cards and Magazine_Subscriptions in SmolLM2-135M's rows minus item thoughts,
ratings or for *another encoder* in full, by code from before it was asked; *rationales in full* serves them
whatever it says, and where complaints are read there are none. A model without any trains no step that hides
what only a home has, so that what *no rationales* loses need not be what they say: *shuffled* tells. Of whom
*only the last* items are known, the items before are what nobody knows: they may be ranked too. The model
was trained on them; cold is such a history, not the person.

*Another encoder* reads the same texts and thoughts with the mean of SmolLM2-135M's last hidden states, not
with MiniLM: a difference below zero says that the language model reads better. *Encoder tuned by the
contrast* reads texts and rationales with that of the faithful arm's stage C (MiniLM tuned in full, the
behaviour side, ten epochs), where nothing was written about items: below zero, the tuned one reads better.
*One of them* is a model of one rationale a user, held against that of three, drawn with other seeds and
averaged; *in full* serves both whatever validation says. *Complaints* are what a user wrote of items that
the user rated low: the more an item is alike, by what others complained about or by its text, the lower it
comes. Where validation gives that no weight the difference is 0 to the digit. Only Gift_Cards and
Magazine_Subscriptions have reviews.
"""


ARRIVALS = """\
## Bet 2, where history is missing: people who come from another domain

NDCG@10 of people who have no history in the target; what they have elsewhere, and what was written about
their wants here, is all that is known of them. From `transfer.json` ([how](transfer.md)). Users with one to
three interactions are a group of the tables below.

| from, to | tested by | model | users | NDCG@10 | PULSE minus it |
| --- | --- | --- | --- | --- | --- |
"""

SUMMARY = """## Bet by bet

The trained model minus itself without, of all test users, and of those of whom only the last item is known
(about users nothing can be written then: of those with one to three interactions, where there are any, of
whom about one in twenty has a rationale: what is written about them can move no more than that). An empty
cell was not measured.
What leaves home is the few scalars of a reader, and rationales: *zero-shot* ranks a domain by scalars
fitted on another, and reads thoughts that rest on texts alone, here of the sets without their reviews. Bet
3 is worth nothing there, as a foreign domain is ranked alike whatever was learned, where no rationale
serves; what rationales about its users are worth there is in [writers](writers.md).

| bet | minus | domain | written by | all | cold | zero-shot |
| --- | --- | --- | --- | --- | --- | --- |
"""

WRITERS = """\
## The language model against the gain

What thoughts about items add, by who wrote them, from the tables below. *Minus shuffled* is gained by
content, not by the width of two views; *of one item* is the same where only the last item is known. *Items*:
about how many there is something valid; of large catalogues only those chosen most often were asked about. A
row of zeros is one where validation gave thoughts the weight 0, so that the model is the one without.

| domain | written by | items | untrained, minus none | trained, minus none | minus shuffled | of one item |
| --- | --- | --- | --- | --- | --- | --- |
"""
COMPARED = (
    ("untrained", "all", "no item thoughts"),
    ("trained", "all", "no item thoughts"),
    ("trained", "all", "shuffled item thoughts"),
    ("trained", "only the last item known", "shuffled item thoughts"),
)
"""Reader, users and what is taken away, a column each."""

CONTROLS = ("random words as item thoughts", "texts as item thoughts")
"""Left to the tables of each domain."""

COLD = ("only the last item known", "history:1-3")
"""Groups of users of whom little is known, the better one first."""


def write_page(results: Path) -> None:
    """Render a table for each domain and writer, and one of the writers."""
    about = itemgetter("domain", "writer")
    rows = sorted(json.loads(results.read_text()), key=about)
    sections = [_section(domain, writer, list(found)) for (domain, writer), found in groupby(rows, key=about)]
    with replacing(results.with_suffix(".md")) as aside:
        aside.write_text(
            "\n".join(
                [
                    HEADER,
                    _summary(rows),
                    *_arrivals(results.with_name("transfer.json")),
                    _writers(rows),
                    *sections,
                ]
            ),
            encoding="utf-8",
        )


def _summary(rows: list[dict[str, Any]]) -> str:
    """What each thing is worth, by bet."""
    about = itemgetter("bet", "minus", "domain", "writer")
    told = (row for row in rows if row["reader"] != "untrained" and row["minus"] not in CONTROLS)
    lines = []
    for key, found in groupby(sorted(told, key=about), key=about):
        gains = {(row["reader"], row["users"]): _gain(row) for row in found}
        cold = next((gains["trained", users] for users in COLD if ("trained", users) in gains), "")
        *what, writer = key
        at_home, abroad = gains.get(("trained", "all"), ""), gains.get(("zero-shot", "all"), "")
        lines.append(" | ".join([*what, writer or "nobody", at_home, cold, abroad]))
    return SUMMARY + "".join(f"| {line} |\n" for line in lines)


def _arrivals(results: Path) -> list[str]:
    """What was written about people who arrive is worth; nothing where it was not measured."""
    rows = json.loads(results.read_text()) if results.exists() else []
    lines = [
        " | ".join(
            [
                f"{row['sources']}, {row['target']}",
                "drawn item" if "drawn item" in row["experiment"] else "first item",
                row["model"],
                f"{row['users']:,}",
                f"{row['ndcg@10']:.4f}",
                row["ours_minus_it"] or "",
            ]
        )
        for row in rows
        if row["experiment"].startswith("arrivals") and "bridging rationales" in row["experiment"]
    ]
    return [ARRIVALS + "".join(f"| {line} |\n" for line in lines)] if lines else []


def _writers(rows: list[dict[str, Any]]) -> str:
    gains = {
        (row["domain"], row["writer"], row["reader"], row["users"], row["minus"]): _gain(row)
        for row in rows
        if row["bet"] == "1 item thoughts"
    }
    at_home = (row for row in rows if row["bet"] == "1 item thoughts" and not row.get("sources"))
    coverage = {(row["domain"], row["writer"]): _coverage(row) for row in at_home}
    lines = [
        " | ".join([*pair, coverage[pair], *(gains.get((*pair, *key), "") for key in COMPARED)])
        for pair in sorted({key[:2] for key in gains})
    ]
    return WRITERS + "".join(f"| {line} |\n" for line in lines)


def _coverage(row: dict[str, Any]) -> str:
    if "items_written" not in row:  # measured before `rationale_items` could limit it
        return "all with a text"
    return f"{row['items_written']:,} of {row['n_items']:,}"


def _gain(row: dict[str, Any]) -> str:
    spread = f", seeds {_spread(row)}" if _spread(row) else ""
    return f"{row['difference']:+.4f} ({row['low']:+.4f} to {row['high']:+.4f}), p {row['p']:.3f}{spread}"


def _spread(row: dict[str, Any]) -> str:
    """The standard deviation of the difference between seeds; nothing where it was not written down."""
    return "" if row.get("spread") is None else f"± {row['spread']:.4f}"


def _section(domain: str, writer: str, rows: list[dict[str, Any]]) -> str:
    lines = [
        f"## {domain}, written by {writer or 'nobody'}",
        "",
        "| bet | reader | users | minus | with | without | difference | interval | p | seeds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_line(row) for row in sorted(rows, key=lambda row: row["bet"])),
        "",
    ]
    return "\n".join(lines)


def _line(row: dict[str, Any]) -> str:
    cells = (
        row["bet"],
        f"{row['reader']} from {row['sources']}" if row["sources"] else row["reader"],
        f"{row['users']} ({row['n_users']:,})",
        row["minus"],
        f"{row['ndcg@10']:.4f}",
        f"{row['without']:.4f}",
        f"{row['difference']:+.4f}",
        f"{row['low']:+.4f} to {row['high']:+.4f}",
        f"{row['p']:.3f}",
        f"{row['seeds']} ({_spread(row)})" if _spread(row) else str(row["seeds"]),
    )
    return "| " + " | ".join(cells) + " |"
