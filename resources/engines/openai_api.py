"""One OpenAI-compatible server: what passes is tried again, what does not is one line with its mend."""

import os
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import anyio
import httpx
import stamina
from pydantic import BaseModel, Field, ValidationError

from pulse_pipeline.errors import OutageError, PulseError

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds between attempts
CONNECT_SECONDS = 10.0
QUOTED = 200  # characters of what a server says that an error repeats
_TOO_LONG = re.compile(r"context.?(?:length|size|window)|too long", re.IGNORECASE)


@dataclass(frozen=True)
class ServerOptions:
    """Where a server is and how it is asked.

    Attributes:
        url: Its API, such as ``http://127.0.0.1:8000/v1``; https for TLS.
        token_variable: The environment variable that holds its token, if it wants one.
        concurrency: Requests that wait for an answer at once.
        timeout_seconds: How long one answer may take.
        attempts: How often a request is made before a fault that might pass is final.
    """

    url: str
    token_variable: str = "PULSE_LLM_TOKEN"
    concurrency: int = 64
    timeout_seconds: float = 600.0
    attempts: int = 8


class NoRoomError(PulseError):
    """A prompt is longer than what the server's model reads."""


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _PromptDetails(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _PromptDetails | None = None


class ChatAnswer(BaseModel):
    """What is read of a chat completion."""

    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage = _Usage()


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model]


class _Reason(BaseModel):
    message: str


class _Fault(BaseModel):
    error: _Reason


Answer = TypeVar("Answer", bound=BaseModel)


class Api:
    """Speaks to the server; an asynchronous context manager."""

    def __init__(self, options: ServerOptions) -> None:
        """Read the address and the token; nothing is sent yet.

        Raises:
            PulseError: One of them cannot be used.
        """
        self._options = options
        self._url = _api_url(options.url)
        self._token = _token(options.token_variable)
        self._turns = anyio.CapacityLimiter(options.concurrency)
        self._client = httpx.AsyncClient(
            base_url=self._url,
            headers={"Authorization": f"Bearer {self._token}"} if self._token else {},
            timeout=httpx.Timeout(options.timeout_seconds, connect=CONNECT_SECONDS, pool=None),
            limits=httpx.Limits(
                max_connections=options.concurrency, max_keepalive_connections=options.concurrency
            ),
        )

    async def __aenter__(self) -> Self:
        """Open the connections."""
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""
        await self._client.__aexit__(kind, error, trace)

    async def check_model(self, model: str) -> None:
        """Make sure that the server is there and serves `model`.

        Raises:
            PulseError: It is not, or does not.
        """
        try:
            served = [found.id for found in (await self._read("GET", "models", _Models, _busy)).data]
        except OutageError as error:
            raise PulseError(str(error)) from error  # it has not been seen yet: the address may be wrong
        if model not in served:
            names = self._quote(", ".join(served[:5])) or "no model"
            raise PulseError(
                f"the server at {self._url} serves {names}, not {model}: "
                f"start it with `--served-model-name {model}`, or correct rationales.model in the settings"
            )

    async def chat(self, request: dict[str, Any]) -> ChatAnswer:
        """One chat completion.

        Raises:
            NoRoomError: The prompt is too long.
            OutageError: The server fails, or does not answer, at every attempt.
            PulseError: The server refuses the request.
        """
        return await self._read("POST", "chat/completions", ChatAnswer, _might_pass, request)

    async def _read(
        self,
        method: str,
        path: str,
        kind: type[Answer],
        again: Callable[[Exception], bool | float],
        request: dict[str, Any] | None = None,
    ) -> Answer:
        try:
            async for attempt in stamina.retry_context(
                on=again,
                attempts=self._options.attempts,
                timeout=None,
                wait_initial=FIRST_PAUSE,
                wait_max=LONGEST_PAUSE,
            ):
                with attempt:
                    response = await self._request(method, path, request)
                    response.raise_for_status()
        except httpx.HTTPStatusError as error:
            raise self._refused(error.response) from error
        except (httpx.TransportError, TimeoutError) as error:
            raise self._unreached(error) from error
        try:
            return kind.model_validate_json(response.content)
        except ValidationError as error:
            raise PulseError(
                f"{self._url}/{path} answers, but not as an OpenAI-compatible server does: "
                "correct PULSE_LLM_URL; it usually ends in /v1"
            ) from error

    async def _request(self, method: str, path: str, request: dict[str, Any] | None) -> httpx.Response:
        """One attempt; whoever waits for its turn is not waiting for the server yet."""
        async with self._turns:
            with anyio.fail_after(self._options.timeout_seconds):
                return await self._client.request(method, path, json=request)

    def _refused(self, response: httpx.Response) -> PulseError:
        status, says = response.status_code, self._quote(_reason(response))
        server = f"the server at {self._url}"
        if status in {401, 403}:
            return PulseError(
                f"{server} refuses us ({status}): put a token that it accepts into the environment variable "
                f"{self._options.token_variable}"
            )
        if status in {400, 413, 422} and _TOO_LONG.search(says):
            return NoRoomError(
                f"a prompt is too long for {server} ({says}): lower rationales.budget in the settings, "
                "or let the server take longer ones (vLLM: --max-model-len)"
            )
        if _passes(status):
            return OutageError(
                f"{server} failed {self._options.attempts} times, at last with {status} ({says}): "
                "look into its log; a new run goes on where this one stopped"
            )
        return PulseError(
            f"{server} refuses a request ({status}: {says}): correct PULSE_LLM_URL if there is no such page, "
            "else use a server that takes chat completions with a JSON schema"
        )

    def _unreached(self, error: httpx.TransportError | TimeoutError) -> PulseError:
        why = self._quote(str(error)) or type(error).__name__
        if "CERTIFICATE_VERIFY_FAILED" in why:
            return PulseError(
                f"the certificate of the server at {self._url} is not known here: if it is yours, let the "
                "environment variable SSL_CERT_FILE name the file of who signed it"
            )
        return OutageError(
            f"no answer from the server at {self._url} ({why}): start it (for example `vllm serve MODEL`), "
            "or correct PULSE_LLM_URL; a new run goes on where this one stopped"
        )

    def _quote(self, text: str) -> str:
        """A stranger's words as part of one line; the token is not repeated even if they hold it."""
        if self._token:
            text = text.replace(self._token, "…")
        words = " ".join(text.split())
        return "".join(character for character in words if character.isprintable())[:QUOTED]


def _api_url(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.userinfo:
        raise PulseError("PULSE_LLM_URL holds a password: put it into PULSE_LLM_TOKEN, as a token")
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise PulseError(
            f"the server engine has no address to ask ({_without_userinfo(url)!r}): set PULSE_LLM_URL, "
            "such as http://127.0.0.1:8000/v1"
        )
    path = parsed.path.rstrip("/")
    return parsed.copy_with(path=path or "/v1", query=None, fragment=None)


def _without_userinfo(url: str) -> str:
    """What may be shown of what is no address: a password can stand before an @."""
    return url.strip().rpartition("@")[2]


def _token(variable: str) -> str:
    token = os.environ.get(variable, "").strip()
    # Such a header cannot be sent, and the error of whoever tries would show it.
    if not token.isascii() or not token.isprintable() or " " in token:
        raise PulseError(f"what the environment variable {variable} holds is no token: set it again")
    return token


def _reason(response: httpx.Response) -> str:
    try:
        return _Fault.model_validate_json(response.content).error.message
    except ValidationError:
        return response.text


def _passes(status: int) -> bool:
    return status in {408, 429} or status >= 500


def _busy(error: Exception) -> bool | float:
    """Whether to ask again a server that answers; seconds to wait where it says how many."""
    if not isinstance(error, httpx.HTTPStatusError) or not _passes(error.response.status_code):
        return False
    asked_for = error.response.headers.get("retry-after", "")
    if not asked_for.isdecimal():
        return True
    # Not all of those who were sent away come back in the same moment.
    return min(float(asked_for), LONGEST_PAUSE) + random.random()


def _might_pass(error: Exception) -> bool | float:
    """As `_busy`; a connection that was there before may come back, too."""
    return isinstance(error, httpx.TransportError | TimeoutError) or _busy(error)
