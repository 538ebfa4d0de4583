"""The foresight prompts that `benchmarks.prompts` compares."""

from dataclasses import dataclass

from pulse_pipeline.rationales.spec import RationaleSettings

_EXAMPLE = """\
- "Cedar Ridge Wool Hiking Socks, 3 Pairs", rated 5. They wrote: "Warm, never scratchy, dry overnight."
- "Trailhead Steel Water Bottle", rated 3. They wrote: "Keeps tea hot all day but the lid rattles."
{"rationale": "Looks for warm wool clothes that dry fast and hot tea on long hikes; minds rattling lids."}"""


@dataclass(frozen=True)
class Template:
    """A foresight prompt.

    Attributes:
        idea: What it tries, in a few words.
        text: The prompt; holds ``{history}``.
        example: What its worked example names: a rationale that says it without need has copied it.
        characters: Room beyond that of the others, for a form that takes more.
    """

    idea: str
    text: str
    example: str = ""
    characters: int = 0


TEMPLATES = {
    "current": Template("the default of spec.py", RationaleSettings().foresight),
    "short": Template(
        "as few words of instruction as possible",
        """\
They chose, newest first:
{history}

What do they like, and why? One short sentence. JSON, key "rationale".""",
    ),
    "wants": Template(
        "kinds of things, then the qualities wanted in them",
        """\
What a person chose, newest first:
{history}

Name the kinds of things this person chooses and the qualities they want in them. Be specific: take \
the words from the list above and add nothing that is not in it. Write one sentence of at most 20 words, \
as JSON with the key "rationale".""",
    ),
    "you": Template(
        "second person",
        """\
You chose these things, newest first:
{history}

Tell yourself what you look for and why. Begin with "You look for", then name the things and their \
qualities. Write one sentence, as JSON with the key "rationale".""",
    ),
    "qualities": Template(
        "a list of qualities, then the sentence",
        """\
What a person chose, newest first:
{history}

Write three qualities of these things, separated by commas and taken from the list above, then a colon, \
then one sentence on what this person wants them for. Write JSON with the key "rationale".""",
        characters=40,
    ),
    "quote": Template(
        "evidence first, word for word, then the want",
        """\
What a person chose, newest first:
{history}

Copy the few words of this list that tell most about the person, then say what these words show that \
the person wants. Write JSON with the key "rationale".""",
        characters=40,
    ),
    "example": Template(
        "a worked example of other goods",
        f"""\
An example of a person's choices, newest first, and of what they look for:
{_EXAMPLE}

Now another person's choices, newest first:
{{history}}

Say in the same way what this person looks for and minds, in words of their own list only. Write JSON \
with the key "rationale".""",
        example="cedar ridge wool socks hiking hikes trailhead steel water bottle tea scratchy rattling lids",
    ),
    "because": Template(
        "a sentence to finish; no word on the list's order, which small models repeat",
        """\
Things that one person bought, and what they wrote about them:
{history}

Finish this sentence about the person: "They like ... because ...". Name the things and what is good \
about them. Write JSON with the key "rationale".""",
    ),
    "you, because": Template(
        "second person, reasons asked for, no word on the list's order",
        """\
Things that you bought, and what you wrote about them:
{history}

What do you look for when you buy, and why? Answer in one sentence that begins with "You look for" and \
names what these things are and what they are good for. Write JSON with the key "rationale".""",
    ),
    "task first": Template(
        "the task before the history",
        """\
Below is a list of what a person chose, newest first. Write one sentence, as JSON with the key \
"rationale": which things this person looks for, named in words of the list, and why.

{history}""",
    ),
}
