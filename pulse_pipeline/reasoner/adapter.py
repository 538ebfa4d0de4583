"""The adapter: low-rank departures from frozen weights (LoRA, Hu et al., ICLR 2022), through peft."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from pulse_pipeline.reasoner.config import ReasonerConfig


def adapted(model: Any, config: ReasonerConfig) -> Any:
    """Put a fresh adapter, whose departure is zero, into a model; only the adapter is trainable.

    Args:
        model: A causal language model of `transformers`; it is changed.
        config: The settings.
    """
    from peft import get_peft_model

    return get_peft_model(model, lora_config(config))


def lora_config(config: ReasonerConfig) -> Any:
    """The adapter's shape, in peft's words."""
    from peft import LoraConfig

    targets = config.targets if isinstance(config.targets, str) else list(config.targets)
    return LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )


def adapter_weights(model: Any) -> dict[str, Tensor]:
    """A copy of the adapter's weights, on the CPU."""
    from peft import get_peft_model_state_dict

    return {name: tensor.detach().cpu().clone() for name, tensor in get_peft_model_state_dict(model).items()}


def load_weights(model: Any, weights: Mapping[str, Tensor]) -> None:
    """Give an adapted model an adapter's weights."""
    from peft import set_peft_model_state_dict

    set_peft_model_state_dict(model, dict(weights))


def tuned(model: Any, weights: Mapping[str, Tensor], config: ReasonerConfig) -> Any:
    """A model as its adapter was trained: the adapter beside weights of 4 bits, else added into them.

    Args:
        model: As for `merged`, its weights held as `config.frozen_weights` says.
        weights: As there.
        config: As there.
    """
    if config.frozen_weights == "full":
        return merged(model, weights, config)
    # Rounding the sum to 4 bits again would undo a part of what was learned.
    wrapped = adapted(model, config)
    load_weights(wrapped, weights)
    return wrapped.eval()


def merged(model: Any, weights: Mapping[str, Tensor], config: ReasonerConfig) -> Any:
    """A model with an adapter added into its weights: any engine can load what it saves.

    Args:
        model: The model that the adapter was trained on; it is changed.
        weights: As `adapter_weights` gave them.
        config: The settings they were trained with.
    """
    wrapped = adapted(model, config)
    load_weights(wrapped, weights)
    return wrapped.merge_and_unload().eval()
