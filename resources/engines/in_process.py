"""vLLM's offline engine in this process, on a GPU or on CPU cores."""

import importlib.util
import logging
import os
import time
import warnings
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

from pulse_pipeline.errors import PulseError
from pulse_pipeline.home import Home
from pulse_pipeline.rationales.engine import Completion, Prompt
from pulse_pipeline.rationales.spec import ModelRef, RationaleSpec
from resources.engines.sharing import shared
from resources.weights import language_model_path

if TYPE_CHECKING:
    from vllm import LLM, RequestOutput, SamplingParams


@dataclass(frozen=True)
class VllmOptions:
    """How fast the engine may be; none of it changes what is written.

    Attributes:
        max_num_seqs: Requests that the engine decodes at once.
        max_model_len: Longest prompt plus answer, in tokens.
        gpu_memory_utilization: Share of GPU memory for the engine.
        cpu_kv_cache_gib: GiB of memory for the KV cache on CPU.
    """

    max_num_seqs: int = 128
    max_model_len: int = 2048
    gpu_memory_utilization: float = 0.85
    cpu_kv_cache_gib: int = 2


@contextmanager
def vllm_session(options: VllmOptions) -> Generator["VllmSession"]:
    """A session; those that overlap in one process and have equal options share one engine.

    It is loaded at the first prompt and freed when the last session closes.
    """
    with shared(options, lambda: _SharedEngine(options)) as engine:
        yield VllmSession(engine)


class VllmSession:
    """Generates on the process's shared vLLM engine."""

    def __init__(self, shared: "_SharedEngine") -> None:
        """Hold the engine without loading it."""
        self._shared = shared

    @property
    def load_seconds(self) -> float:
        """Seconds that importing vLLM and loading the model took; 0 while nothing is loaded."""
        return self._shared.load_seconds

    def engine(self, model: ModelRef) -> "LLM":
        """The loaded vLLM engine itself."""
        return self._shared.engine(model)

    def generate(self, prompts: Iterable[Prompt], spec: RationaleSpec) -> Iterator[Completion]:
        """Stream answers through continuous batching; prompts are read a little ahead of the engine.

        Args:
            prompts: Questions; keys must differ.
            spec: Model, grammar and sampling.

        Yields:
            Answers in the order they finish.
        """
        ahead = iter(prompts)
        first = next(ahead, None)
        if first is None:
            return
        window = self._shared.options.max_num_seqs * 2
        yield from _stream(self.engine(spec.model), chain([first], ahead), spec, window)


class _SharedEngine:
    """The engine that sessions share, and what it is loaded with."""

    def __init__(self, options: VllmOptions) -> None:
        self.options = options
        self.load_seconds = 0.0
        self._llm: LLM | None = None
        self._model: ModelRef | None = None

    def engine(self, model: ModelRef) -> "LLM":
        if self._llm is None or self._model != model:
            self.close()
            started = time.monotonic()
            self._llm = _load(self.options, model)
            self._model = model
            self.load_seconds = time.monotonic() - started
        return self._llm

    def close(self) -> None:
        if self._llm is None:
            return
        self._llm.llm_engine.engine_core.shutdown()
        self._llm = None
        self._model = None


def _load(options: VllmOptions, model: ModelRef) -> "LLM":
    _check_installed()
    on_gpu = _has_gpu()
    if not on_gpu:
        # One process is three times as fast to load and half as fast again to decode on few cores.
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", str(options.cpu_kv_cache_gib))
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    # What the setting above comes too late for, and what vLLM does to torch on import.
    logging.getLogger("vllm").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message="`torch.distributed.reduce_op`", category=FutureWarning)
    from vllm import LLM

    return LLM(
        model=str(language_model_path(model, Home.from_environment())),
        dtype=number_format(on_gpu),
        max_num_seqs=options.max_num_seqs,
        # Prompts share their first sentences only: the CPU's default of 128 tokens a block shares none.
        block_size=None if on_gpu else 32,
        max_model_len=options.max_model_len,
        gpu_memory_utilization=options.gpu_memory_utilization,
        enforce_eager=not on_gpu,
        # The CPU build cannot rewind the generator of a seeded request that is prefilled in parts.
        enable_chunked_prefill=on_gpu,
        enable_prefix_caching=True,
        structured_outputs_config={"backend": "xgrammar", "disable_any_whitespace": True},
        disable_log_stats=True,
        use_tqdm_on_load=False,
    )


def _check_installed() -> None:
    if importlib.util.find_spec("vllm") is None:
        raise PulseError(
            "vLLM is not installed: run `pip install 'pulse-pipeline[gpu]'` on a machine with a GPU, "
            "else `pip install 'pulse-pipeline[cpu]'`"
        )


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def number_format(on_gpu: bool) -> str:
    """The fastest number format: without instructions for it, bfloat16 is emulated on CPU cores.

    On two AVX2 cores bfloat16 wrote a quarter as many rationales a second as float32.
    """
    import torch

    has = torch.cpu.get_capabilities()
    native = on_gpu or has.get("amx_bf16") or has.get("avx512_bf16") or has.get("bf16")
    return "bfloat16" if native else "float32"


def _stream(llm: "LLM", prompts: Iterator[Prompt], spec: RationaleSpec, window: int) -> Iterator[Completion]:
    """Keep up to `window` requests in the engine, so that it never idles and memory stays flat."""
    waiting: set[str] = set()
    try:
        while True:
            read = list(islice(prompts, window - len(waiting)))
            for prompt in read:
                if _added(llm, prompt, spec):
                    waiting.add(prompt.key)
                else:
                    yield Completion.without_room(prompt.key)
            if not waiting and not read:
                return
            for output in llm.llm_engine.step() if waiting else ():
                if output.finished:
                    waiting.remove(output.request_id)
                    yield _completion(output)
    finally:
        # A consumer that stops early leaves nothing behind for the next one.
        llm.llm_engine.abort_request(list(waiting))


def _added(llm: "LLM", prompt: Prompt, spec: RationaleSpec) -> bool:
    """Hand a prompt to the engine; False if it leaves no room for an answer: nothing is cut in silence."""
    chat = [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}]
    tokens = llm.get_tokenizer().apply_chat_template(chat, add_generation_prompt=True, return_dict=False)
    if len(tokens) > llm.model_config.max_model_len - spec.sampling.max_tokens:
        return False
    (rendered,) = llm.renderer.render_cmpl([{"prompt_token_ids": list(tokens)}])
    llm.llm_engine.add_request(prompt.key, rendered, sampling_params(spec, prompt.seed))
    return True


def sampling_params(spec: RationaleSpec, seed: int) -> "SamplingParams":
    """Parameters of one request: the spec's sampling, its grammar, a seed of the request's own."""
    from vllm import SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    return SamplingParams(
        temperature=spec.sampling.temperature,
        top_p=spec.sampling.top_p,
        top_k=spec.sampling.top_k or 0,  # 0 is vLLM's word for all
        frequency_penalty=spec.sampling.frequency_penalty,
        max_tokens=spec.sampling.max_tokens,
        seed=seed,
        structured_outputs=StructuredOutputsParams(json=spec.json_schema),
    )


def _completion(output: "RequestOutput") -> Completion:
    answer = output.outputs[0]
    return Completion(
        key=output.request_id,
        text=answer.text,
        prompt_tokens=len(output.prompt_token_ids or ()),
        completion_tokens=len(answer.token_ids),
        cached_tokens=output.num_cached_tokens or 0,
        finished=answer.finish_reason != "length",
    )
