"""The language model as a Dagster resource: the engine that the environment or a field names."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Literal, get_args

import dagster as dg
from pydantic import Field

from pulse_pipeline.errors import PulseError
from pulse_pipeline.rationales.engine import Session
from resources.engines.in_process import VllmOptions, vllm_session
from resources.engines.openai_api import ServerOptions
from resources.engines.openai_server import ServerSession
from resources.engines.ray_data import RayOptions, ray_session

Engine = Literal["vllm", "server", "ray"]


class LanguageModel(dg.ConfigurableResource[Any]):
    """Opens sessions on a small language model.

    None of these fields changes what is written, only where and how fast.
    """

    engine: Engine = Field(
        default="vllm",
        description="vllm: in this process. server: an OpenAI-compatible one. ray: workers of a Ray cluster.",
    )
    max_num_seqs: int = Field(default=128, gt=0, description="Requests that vLLM decodes at once.")
    max_model_len: int = Field(
        default=2048, gt=0, description="vLLM's longest prompt plus answer, in tokens."
    )
    gpu_memory_utilization: float = Field(default=0.85, description="Share of GPU memory for vLLM.")
    cpu_kv_cache_gib: int = Field(default=2, description="GiB of memory for vLLM's KV cache on CPU.")
    server_url: str = Field(default="", description="The server's API, such as http://127.0.0.1:8000/v1.")
    token_variable: str = Field(
        default="PULSE_LLM_TOKEN", description="The environment variable that holds the server's token."
    )
    concurrency: int = Field(default=64, gt=0, description="Requests that wait at the server at once.")
    timeout_seconds: float = Field(default=600.0, gt=0, description="How long one of its answers may take.")
    attempts: int = Field(default=8, gt=0, description="How often it is asked before a fault is final.")
    ray_address: str = Field(
        default="", description="The Ray cluster; else what RAY_ADDRESS names, else this machine alone."
    )
    workers: int = Field(
        default=1,
        gt=0,
        description="vLLM engines in the cluster, each on a GPU if it has any; a server's, for its price.",
    )
    block_prompts: int = Field(default=256, gt=0, description="Prompts that a worker takes at once.")

    price_per_hour: float = Field(
        default=0.0, ge=0, description="What an hour of one device costs; shown with what was written."
    )

    @property
    def devices(self) -> int:
        """Devices that write at once."""
        return 1 if self.engine == "vllm" else self.workers

    @classmethod
    def from_environment(cls) -> "LanguageModel":
        """The engine that ``PULSE_ENGINE`` names, the server of ``PULSE_LLM_URL``, the price an hour.

        Raises:
            PulseError: There is no such engine, or ``PULSE_PRICE_PER_HOUR`` is no price.
        """
        named = os.environ.get("PULSE_ENGINE") or "vllm"
        engine: Engine | None = next((engine for engine in get_args(Engine) if engine == named), None)
        if engine is None:
            raise PulseError(
                f"PULSE_ENGINE={named}: there is no such engine; use {', '.join(get_args(Engine))}"
            )
        return cls(engine=engine, server_url=os.environ.get("PULSE_LLM_URL", ""), price_per_hour=_price())

    @contextmanager
    def session(self) -> Generator[Session]:
        """A session on the engine; those that overlap in one process share what is loaded."""
        vllm = VllmOptions(
            self.max_num_seqs, self.max_model_len, self.gpu_memory_utilization, self.cpu_kv_cache_gib
        )
        match self.engine:
            case "vllm":
                with vllm_session(vllm) as session:
                    yield session
            case "server":
                yield ServerSession(
                    ServerOptions(
                        self.server_url,
                        self.token_variable,
                        self.concurrency,
                        self.timeout_seconds,
                        self.attempts,
                    )
                )
            case "ray":
                with ray_session(
                    RayOptions(self.ray_address, self.workers, self.block_prompts, vllm)
                ) as workers:
                    yield workers


def _price() -> float:
    named = os.environ.get("PULSE_PRICE_PER_HOUR") or "0"
    try:
        price = float(named)
    except ValueError:
        price = -1.0
    if not 0 <= price < float("inf"):
        raise PulseError(f"PULSE_PRICE_PER_HOUR={named}: is no price; write a number such as 2.5")
    return price
