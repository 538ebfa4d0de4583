"""Any OpenAI-compatible server as an engine, such as a running ``vllm serve``."""

import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import chain, islice
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal

from pulse_pipeline.rationales.engine import Completion, Prompt
from pulse_pipeline.rationales.spec import RationaleSpec
from resources.engines.openai_api import Api, NoRoomError, ServerOptions

AHEAD = 2  # prompts read for each that the server works on, so that it never waits for us


class ServerSession:
    """Asks a server; it loads nothing here."""

    load_seconds = 0.0

    def __init__(self, options: ServerOptions) -> None:
        """Remember whom to ask."""
        self._options = options

    def generate(self, prompts: Iterable[Prompt], spec: RationaleSpec) -> Iterator[Completion]:
        """Stream answers; prompts are read a little ahead of the server.

        Args:
            prompts: Questions; keys must differ.
            spec: Model, grammar and sampling. The server answers for the model's revision.

        Yields:
            Answers in the order they come. Whoever closes the stream cancels what is under way.

        Raises:
            PulseError: The server cannot be used; an `OutageError` if it could be before.
        """
        ahead = iter(prompts)
        first = next(ahead, None)
        if first is None:
            return
        for noisy in ("httpx", "stamina"):  # a line for each request, and for each that is made again
            logging.getLogger(noisy).setLevel(logging.ERROR)
        api = Api(self._options)
        with start_blocking_portal() as portal, portal.wrap_async_context_manager(api):
            portal.call(api.check_model, spec.model.model)
            yield from _stream(portal, api, chain([first], ahead), spec, AHEAD * self._options.concurrency)


def _stream(
    portal: BlockingPortal, api: Api, prompts: Iterator[Prompt], spec: RationaleSpec, window: int
) -> Iterator[Completion]:
    """Keep up to `window` requests under way; only this thread reads prompts."""
    waiting: set[Future[Completion]] = set()
    try:
        while True:
            for prompt in islice(prompts, window - len(waiting)):
                waiting.add(portal.start_task_soon(_ask, api, prompt, spec))
            if not waiting:
                return
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            # What is answered is handed on before a fault of its neighbours ends the stream.
            for answered in sorted(done, key=_has_failed):
                yield answered.result()
    finally:
        for unanswered in waiting:  # before the connections close, which would look like a fault to retry
            unanswered.cancel()


def _has_failed(asked: Future[Completion]) -> bool:
    return asked.exception() is not None


async def _ask(api: Api, prompt: Prompt, spec: RationaleSpec) -> Completion:
    try:
        answer = await api.chat(_request(prompt, spec))
    except NoRoomError:
        return Completion.without_room(prompt.key)
    choice, details = answer.choices[0], answer.usage.prompt_tokens_details
    return Completion(
        key=prompt.key,
        text=choice.message.content or "",
        prompt_tokens=answer.usage.prompt_tokens,
        completion_tokens=answer.usage.completion_tokens,
        cached_tokens=(details and details.cached_tokens) or 0,
        finished=choice.finish_reason != "length",
    )


def _request(prompt: Prompt, spec: RationaleSpec) -> dict[str, Any]:
    return {
        "model": spec.model.model,
        "messages": [
            {"role": "system", "content": prompt.system},
            {"role": "user", "content": prompt.user},
        ],
        "temperature": spec.sampling.temperature,
        "top_p": spec.sampling.top_p,
        # No part of OpenAI's own API, which refuses what it does not know: sent only where it is set.
        **({"top_k": spec.sampling.top_k} if spec.sampling.top_k else {}),
        "frequency_penalty": spec.sampling.frequency_penalty,
        "max_tokens": spec.sampling.max_tokens,
        "seed": prompt.seed,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "rationale", "schema": spec.json_schema, "strict": True},
        },
    }
