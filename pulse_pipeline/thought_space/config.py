"""Every setting of the Thought Space, each with its reason."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pulse_pipeline.provenance import fingerprint

METHOD = 9
"""Raised when the same settings come to train something else: what was trained before is stale then."""


class ThoughtSpaceConfig(BaseModel):
    """Architecture, loss weights and optimisation of one training."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    seed: int = 0
    """Seed of initialisation, dropout, batch order and sampled negatives."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; `auto` takes a GPU where there is one."""

    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Numbers of the forward pass; `auto` takes bfloat16 where a GPU has it. Weights stay float32."""

    # What the model is made of.
    history_length: int = Field(default=50, ge=1)
    """How many of the latest items the attention sees."""

    recency_window: int = Field(default=10, ge=1)
    """How many of the latest items enter the weighted mean; untrained, all weigh the same."""

    decays: tuple[float, ...] = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
    """Tried weights of an item relative to the next later one, mildest first (1 = plain mean)."""

    flattenings: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75)
    """Tried degrees of flattening each domain's item spectrum, mildest first (0 none, 1 whitened)."""

    item_thought_weights: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
    """Tried weights of what the LM thought of an item beside the item's own text, mildest first; 0 alone
    leaves it out."""

    dislike_weights: tuple[float, ...] = (0.0, 0.5, 1.0, 1.5, 2.0)
    """Tried weights of a low rating: with w an item that the user rated low counts 1 - w in the mean of the
    history, so 1 forgets it and 2 holds it against its likes; 0 alone leaves ratings out."""

    following_weights: tuple[float, ...] = Field(default=(0.0, 1.0, 2.0, 4.0, 8.0, 16.0), min_length=1)
    """Tried weights of what was counted to follow the last items (`following`), beside the logits, at home
    only; 0 alone leaves it out."""

    trend_weights: tuple[float, ...] = Field(default=(0.0, 0.5, 1.0, 2.0, 4.0), min_length=1)
    """Tried weights of what is taken lately (`trend`), beside the logits, at home only, mildest first; 0
    alone leaves it out."""

    rationale_serving_weights: tuple[float, ...] = Field(default=(0.0, 0.5, 1.0), min_length=1)
    """Tried weights of what the gate lets in of a user's rationale when ranking, mildest first, which holds
    until validation says otherwise; 1 alone serves what the gate lets in."""

    adapter_rank: int = Field(default=32, ge=0)
    """Rank of the learned departure of item vectors from their texts; 0 leaves it out."""

    attention_width: int = Field(default=64, ge=0)
    """Width of the attention residual over the history; 0 leaves it out."""

    attention_heads: int = Field(default=2, ge=1)
    """Heads of the attention residual."""

    id_residual: bool = True
    """Learn a vector and a bias for each item of the mix, on top of its text."""

    gate_width: int = Field(default=16, ge=1)
    """Hidden units of the gate that admits a rationale into a thought."""

    rationale_rank: int = Field(default=32, ge=0)
    """Rank of the learned departure of the rationale projection from identity; 0 leaves it out."""

    # What is learned: one weight a loss term, 0 switches the term off. It is what one example of the term
    # weighs beside one next item, so that the few rationales of a domain do not weigh like many.
    next_item_weight: float = Field(default=1.0, ge=0)
    """Weight of: behaviour at every training position -> next item."""

    thought_weight: float = Field(default=0.5, ge=0)
    """Weight of: behaviour fused with the training foresight -> last training item."""

    contrast_weight: float = Field(default=0.05, ge=0)
    """Weight of the symmetric contrast: behaviour <-> the foresight of the same user."""

    hindsight_weight: float = Field(default=0.05, ge=0)
    """Weight of the symmetric contrast: behaviour <-> why the next item was chosen, told in its sight; a
    richer target than the item's id, and never an input."""

    rationale_weight: float = Field(default=0.1, ge=0)
    """Weight of: training foresight alone -> last training item."""

    item_temperature: float = Field(default=0.07, gt=0)
    """First temperature of the softmax over items; learned from there."""

    contrast_temperature: float = Field(default=0.07, gt=0)
    """First temperature of the contrast; learned from there."""

    contrast_hardness: float = Field(default=0.5, ge=0)
    """How much more the nearest negatives of both contrasts weigh than the far ones; 0 weighs all alike."""

    # What keeps it honest.
    dropout: float = Field(default=0.3, ge=0, le=1)
    """Dropout inside the attention residual and the gate."""

    rationale_dropout: float = Field(default=0.3, ge=0, le=1)
    """Chance that a user's rationale is hidden from fusion in a step, so that the model lives without."""

    home_dropout: float = Field(default=0.3, ge=0, le=1)
    """Chance that a step hides all that a foreign domain goes without, so that the rest stands alone."""

    # How it is optimised.
    epochs: int = Field(default=30, ge=0)
    """Most epochs; early stopping usually ends sooner."""

    patience: int = Field(default=4, ge=1)
    """Epochs without a better validation NDCG@10 before training stops."""

    hold_out_source: bool = True
    """Whether a mix that leaves a domain out stops as a source says that was held out, and serves abroad as
    much of rationales as that source wants or less; else as its own domains say (docs/transfer.md)."""

    batch_size: int = Field(default=128, ge=1)
    """Users (windows of their histories) a step."""

    accumulation: int = Field(default=1, ge=1)
    """Passes that a step's predictions are spread over; each holds that much less of the softmax."""

    least_steps: int = Field(default=8, ge=1)
    """Fewest steps an epoch, so that an epoch of a small mix is worth a validation."""

    learning_rate: float = Field(default=1e-3, gt=0)
    """Step size of the weight matrices."""

    scalar_learning_rate: float = Field(default=3e-2, gt=0)
    """Step size of the few scalars: recency, flattening, item thoughts, dislikes, temperatures, the gate."""

    weight_decay: float = Field(default=0.1, ge=0)
    """Decoupled weight decay of attention, gate and ID residual; where negatives are sampled, vectors of the
    residual decay in the steps that meet them."""

    departure_decay: float = Field(default=1.0, ge=0)
    """Decoupled weight decay of the low-rank departures, strong because they bend the text geometry."""

    full_softmax_items: int = Field(default=50_000, ge=1)
    """Largest catalogue over which the softmax runs in full; beyond it negatives are sampled."""

    sampled_negatives: int = Field(default=8192, ge=1)
    """Draws a step where negatives are sampled, with logQ correction."""

    validation_users: int = Field(default=2000, ge=1)
    """Most users a domain in the validation of each epoch, a seeded sample."""

    def samples(self, n_items: int) -> bool:
        """Whether the softmax over a catalogue is sampled."""
        return n_items > self.full_softmax_items

    def fingerprint(self) -> str:
        """What a training is known by: the settings, and the method that reads them."""
        return fingerprint([METHOD, self.model_dump(mode="json")])
