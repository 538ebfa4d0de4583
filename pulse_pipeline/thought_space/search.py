"""Search for a Thought Space's settings, on validation items only."""

from pulse_pipeline.thought_space.config import ThoughtSpaceConfig
from pulse_pipeline.thought_space.data import DomainData
from pulse_pipeline.thought_space.training import train
from pulse_pipeline.thought_space.validation import Validation
from pulse_pipeline.tuning import Budget, Search, Tuned, tune

SPACE: Search = {
    "learning_rate": (3e-4, 1e-3, 3e-3),
    "weight_decay": (0.01, 0.1, 0.3),
    "departure_decay": (0.1, 1.0, 10.0),
    "dropout": (0.1, 0.3, 0.5),
    "item_temperature": (0.03, 0.07, 0.15),
    "adapter_rank": (0, 32, 128),
    "attention_width": (64, 128),
    "batch_size": (64, 128, 256),
    "contrast_weight": (0.0, 0.05, 0.15),
    "hindsight_weight": (0.0, 0.05, 0.15),
    "thought_weight": (0.0, 0.5, 1.0),
}


def search(
    mix: str,
    domains: list[DomainData],
    config: ThoughtSpaceConfig,
    budget: Budget,
    *,
    held_out: str | None = None,
    space: Search = SPACE,
) -> Tuned[ThoughtSpaceConfig]:
    """Try settings and keep those with the best validation NDCG@10.

    Args:
        mix: The mix's name in the log.
        domains: Its members.
        config: The settings of the first trial; the search changes those that `space` names.
        budget: Trials and seconds. A trial begins no epoch when they are over, as neural baselines do not.
        held_out: A member that is not trained on and alone is judged on, as a domain never seen: what
            epochs and settings are to be chosen by where the model has to travel. By default all members
            are trained and judged on.
        space: Values to try of each field.

    Returns:
        The best settings and the log of all trials.
    """
    sources = [data for data in domains if data.domain != held_out]
    judges = [data for data in domains if data.domain == held_out]

    def value(tried: ThoughtSpaceConfig, seconds: float) -> float:
        model = train(mix, sources, tried, judges=judges, max_seconds=seconds).model
        return Validation(model, judges or sources, tried).ndcg()

    return tune(
        "pulse",
        config,
        value,
        search=space,
        budget=budget,
        where=f"{held_out} from {mix}" if held_out else mix,
    )
