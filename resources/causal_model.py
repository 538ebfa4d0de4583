"""A language model's weights as a Dagster resource, for what vLLM does not do: tuning and reading."""

from typing import Any

import dagster as dg

from pulse_pipeline.home import Home
from pulse_pipeline.rationales.spec import ModelRef
from pulse_pipeline.reasoner.training import Loaded
from resources.weights import language_model_path


class CausalModel(dg.ConfigurableResource[Any]):
    """Loads language models through transformers."""

    def load(self, ref: ModelRef) -> Loaded:
        """A fresh copy: bfloat16 on a GPU, float32 on CPU cores, where bfloat16 is slower.

        Raises:
            PulseError: There are no such weights.
        """
        return load(ref)


def load(ref: ModelRef) -> Loaded:
    """A language model and its tokenizer, on the GPU where there is one.

    Raises:
        PulseError: There are no such weights.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    path = language_model_path(ref, Home.from_environment())
    on_gpu = torch.cuda.is_available()
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.bfloat16 if on_gpu else torch.float32)
    return Loaded(model.to("cuda" if on_gpu else "cpu").eval(), AutoTokenizer.from_pretrained(path))
