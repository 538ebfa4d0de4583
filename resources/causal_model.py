"""A language model's weights as a Dagster resource, for what vLLM does not do: tuning and reading."""

import importlib.util
from typing import TYPE_CHECKING, Any, Literal

import dagster as dg

from pulse_pipeline.errors import PulseError
from pulse_pipeline.home import Home
from pulse_pipeline.rationales.spec import ModelRef
from pulse_pipeline.reasoner.training import Loaded
from resources.weights import language_model_path

if TYPE_CHECKING:
    import torch
    from transformers import BitsAndBytesConfig

Held = Literal["full", "4-bit"]
"""How weights are held in memory."""


class CausalModel(dg.ConfigurableResource[Any]):
    """Loads language models through transformers."""

    def load(self, ref: ModelRef, held: Held = "full") -> Loaded:
        """A fresh copy: bfloat16 on a GPU, float32 on CPU cores, where bfloat16 is slower, or 4 bits.

        Raises:
            PulseError: There are no such weights, or nothing that holds them in 4 bits.
        """
        return load(ref, held)


def load(ref: ModelRef, held: Held = "full") -> Loaded:
    """A language model and its tokenizer, on the GPU where there is one.

    Raises:
        PulseError: There are no such weights, or nothing that holds them in 4 bits.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    path = language_model_path(ref, Home.from_environment())
    device, dtype = ("cuda", torch.bfloat16) if torch.cuda.is_available() else ("cpu", torch.float32)
    model = AutoModelForCausalLM.from_pretrained(
        path,
        dtype=dtype,
        device_map=device,
        quantization_config=_four_bits(dtype) if held == "4-bit" else None,
    )
    if held == "4-bit":
        _keep_unpacked(model)
    return Loaded(model.eval(), AutoTokenizer.from_pretrained(path))


def _keep_unpacked(model: "torch.nn.Module") -> None:
    """Have bitsandbytes leave its layers' weights as they are.

    On CPUs with AVX-512 for bfloat16 it packs them anew for inference and back for training, and loses their
    scales on the way back (bitsandbytes 0.50.2): what is tuned after a first look would be something else.
    """
    from bitsandbytes.nn.modules import Linear4bit

    for layer in model.modules():
        if isinstance(layer, Linear4bit):
            layer.support_avx512bf16_for_cpu = False


def _four_bits(computed_in: "torch.dtype") -> "BitsAndBytesConfig":
    if importlib.util.find_spec("bitsandbytes") is None:
        raise PulseError(
            "reasoner.frozen_weights is 4-bit, and bitsandbytes is not installed: "
            "run `pip install 'pulse-pipeline[four-bit]'`, or take the setting out"
        )
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=computed_in
    )
