"""vLLM on the workers of a Ray cluster: one Ray Data stream that blocks of prompts flow through."""

import importlib.util
import logging
import os
import pickle
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import chain, count, islice
from typing import Any

from pulse_pipeline.errors import PulseError
from pulse_pipeline.home import Home
from pulse_pipeline.rationales.engine import Completion, Prompt
from pulse_pipeline.rationales.spec import RationaleSpec
from resources.engines.in_process import VllmOptions, vllm_session
from resources.engines.sharing import shared

_OPEN = b"open"  # the first word of a source
AHEAD = 2  # blocks read for each worker, so that the next one lies ready
PART_SECONDS = 2.0  # between two parts of a block
LOOK_SECONDS = 0.1  # between two looks into an empty queue


@dataclass(frozen=True)
class RayOptions:
    """Which workers there are.

    Attributes:
        address: The cluster; empty for what ``RAY_ADDRESS`` names, else for this machine alone.
        workers: Engines, each on a GPU of its own if the cluster has any.
        block_prompts: Prompts that a worker takes, and gives back answered, at once.
        vllm: Options of each engine.
    """

    address: str
    workers: int
    block_prompts: int
    vllm: VllmOptions


@dataclass(frozen=True)
class _Work:
    """A block of prompts on its way to a worker; `call` is the `generate` that sent it."""

    call: int
    prompts: list[Prompt]
    spec: RationaleSpec


@dataclass(frozen=True)
class _Done:
    """What became of a block, or of a part of it.

    Attributes:
        call: The `generate` that sent it.
        answers: Those that have come since the last part.
        load_seconds: What the worker took to load the model.
        is_last: Whether the block is done with.
        fault: What is wrong with its prompts or settings.
    """

    call: int
    answers: list[Completion]
    load_seconds: float
    is_last: bool = True
    fault: str | None = None


@contextmanager
def ray_session(options: RayOptions) -> Generator["RaySession"]:
    """A session; those that overlap in one process and have equal options share the workers.

    They start at the first prompt and stop when the last session closes.
    """
    with shared(options, lambda: _Workers(options)) as workers:
        yield RaySession(workers)


class RaySession:
    """Generates on the workers that this process's sessions share."""

    def __init__(self, workers: "_Workers") -> None:
        """Hold the workers without starting them."""
        self._workers = workers

    @property
    def load_seconds(self) -> float:
        """Seconds that the slowest worker took to load the model; 0 while none has."""
        return self._workers.load_seconds

    def generate(self, prompts: Iterable[Prompt], spec: RationaleSpec) -> Iterator[Completion]:
        """Stream answers as they come; prompts are read `AHEAD` blocks ahead of each worker.

        A worker that dies is replaced, and its block answered by another; answers that it had sent come twice
        then, and the second is dropped.

        Args:
            prompts: Questions; keys must differ.
            spec: Model, grammar and sampling.

        Yields:
            Answers in the order they come back.

        Raises:
            PulseError: There is no Ray, or a worker cannot use the prompts or settings.
        """
        blocks = _blocks(iter(prompts), self._workers.options.block_prompts)
        first = next(blocks, None)
        if first is not None:
            yield from self._workers.answers(chain([first], blocks), spec)


def _blocks(prompts: Iterator[Prompt], size: int) -> Iterator[list[Prompt]]:
    while block := list(islice(prompts, size)):
        yield block


class _Workers:
    """The stream and both of its ends."""

    def __init__(self, options: RayOptions) -> None:
        self.options = options
        self.load_seconds = 0.0
        self._calls = count()
        self._send: Callable[[bytes], None] | None = None
        self._returned: Iterator[_Done] = iter(())
        self._running = ExitStack()

    def answers(self, blocks: Iterator[list[Prompt]], spec: RationaleSpec) -> Iterator[Completion]:
        """Keep every worker busy until all blocks are answered."""
        send, call, under_way = self._started(), next(self._calls), 0
        come = set[str]()
        while True:
            for block in islice(blocks, AHEAD * self.options.workers - under_way):
                send(pickle.dumps(_Work(call, block, spec)))
                under_way += 1
            if not under_way:
                return
            done = self._next()
            self.load_seconds = max(self.load_seconds, done.load_seconds)
            # What a call left behind that was closed early comes back first and is dropped.
            if done.call == call:
                under_way -= done.is_last
                yield from (answer for answer in done.answers if answer.key not in come)
                come.update(answer.key for answer in done.answers)
                if done.fault:
                    raise PulseError(done.fault)

    def close(self) -> None:
        self._send = None
        self._running.close()

    def _next(self) -> _Done:
        """What comes back next; if nothing can any more, the next call starts anew."""
        with ExitStack() as broken:
            broken.callback(self.close)
            for done in self._returned:
                broken.pop_all()
                return done
            raise RuntimeError("Ray's stream ended before all prompts were answered; run again to go on")

    def _started(self) -> Callable[[bytes], None]:
        if self._send is None:
            _check_installed()
            self._running.enter_context(_connected(self.options.address))
            stream = _stream(self.options)
            self._send, self._returned = self._running.enter_context(stream)
        return self._send


def _check_installed() -> None:
    if importlib.util.find_spec("ray") is None:
        raise PulseError("Ray is not installed: run `pip install 'pulse-pipeline[distributed]'`")


@contextmanager
def _connected(address: str) -> Generator[None]:
    """Hold a connection to the cluster, unless this process has one already."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # its core writes past Python's loggers
    import ray

    if ray.is_initialized():
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    try:
        ray.init(
            address=address,
            # Workers that see this home find the weights in it.
            runtime_env={"env_vars": {"PULSE_HOME": str(Home.from_environment().root)}},
            log_to_driver=False,
            logging_level=logging.ERROR,
            **({"include_dashboard": False} if address == "local" else {}),
        )
    except (ConnectionError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise PulseError(
            f"no Ray cluster at {address} ({reason[:160]}): start one with `ray start --head`, "
            "or correct RAY_ADDRESS or the language model's ray_address"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _stream(options: RayOptions) -> Generator[tuple[Callable[[bytes], None], Iterator[_Done]]]:
    """A dataset without an end: what is sent into its source comes out of its iterator, answered."""
    import ray
    from ray.util.queue import Queue

    context = ray.data.DataContext.get_current()
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context.enable_progress_bars = False
    # A row is a block of prompts or of answers: each goes on at once, none waits for company.
    context.target_max_block_size = 1
    context.execution_no_progress_timeout_s = -1  # nothing flows between two calls
    # What has left the source cannot be read again, so it lives and dies with this machine.
    here = {"ray.io/node-id": ray.get_runtime_context().get_node_id()}
    queue = Queue(actor_options={"num_cpus": 0, "label_selector": here})
    queue.put(_OPEN)
    answered = (
        ray.data.from_items([{"source": 0}])
        .flat_map(_arriving, fn_args=(queue,), num_cpus=0, label_selector=here)
        .flat_map(
            _Worker,
            fn_constructor_args=(options.vllm,),
            compute=ray.data.ActorPoolStrategy(size=options.workers),
            **_share(options.workers),
        )
    )
    batches = iter(answered.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0))
    returned = (pickle.loads(done) for batch in batches for done in batch["done"].to_pylist())
    with closing(batches):  # ends the execution: the actors stop before the cluster is left
        yield queue.put, returned


def _share(workers: int) -> dict[str, float]:
    """What each worker holds of the cluster.

    Raises:
        PulseError: It is too small; Ray would wait for more machines without a word.
    """
    import ray

    has = ray.cluster_resources()
    kind = "GPU" if has.get("GPU") else "CPU"
    if has.get(kind, 0) < workers:
        raise PulseError(
            f"{workers} workers want a {kind} each, but the Ray cluster has {has.get(kind, 0):.0f}: "
            "add machines, or lower the language model's `workers`"
        )
    # Ray gives a worker as many threads as CPUs, and all of them on one machine.
    return {"num_gpus": 1} if kind == "GPU" else {"num_cpus": _cpus_of_each(workers)}


def _cpus_of_each(workers: int) -> int:
    """The most CPUs of one machine that every worker can have."""
    import ray

    machines = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    enough = (
        cpus for cpus in range(1, max(machines) + 1) if sum(each // cpus for each in machines) >= workers
    )
    return max(enough, default=1)


def _arriving(_: dict[str, Any], queue: Any) -> Iterator[dict[str, bytes]]:
    """The source: whatever is put into the queue.

    It looks again and again instead of waiting in the queue: if its process is killed, what waits there for
    it would go on waiting, and take the next block to nobody.

    Raises:
        RuntimeError: Ray starts it a second time; what the first one had sent on would stay unanswered.
    """
    if _taken(queue) != _OPEN:
        raise RuntimeError("Ray lost the process that hands out the prompts; run again to go on")
    while True:
        work = _taken(queue)
        if work is None:
            time.sleep(LOOK_SECONDS)
        else:
            yield {"work": work}


def _taken(queue: Any) -> bytes | None:
    """The next in the queue, None if there is nothing."""
    from ray.util.queue import Empty

    try:
        return bytes(queue.get(block=False))
    except Empty:
        return None


class _Worker:
    """One engine, in an actor of its own."""

    def __init__(self, options: VllmOptions) -> None:
        self._running = ExitStack()
        self._session = self._running.enter_context(vllm_session(options))

    def __call__(self, row: dict[str, bytes]) -> Iterator[dict[str, bytes]]:
        for done in self._answered(pickle.loads(row["work"])):
            yield {"done": pickle.dumps(done)}

    def _answered(self, work: _Work) -> Iterator[_Done]:
        """The answers of every `PART_SECONDS`, so that a process that is killed loses no more than those."""
        answers, sent = list[Completion](), time.monotonic()
        try:
            for answer in self._session.generate(work.prompts, work.spec):
                answers.append(answer)
                if time.monotonic() - sent > PART_SECONDS:
                    yield _Done(work.call, answers, self._session.load_seconds, is_last=False)
                    answers, sent = [], time.monotonic()
        except PulseError as error:
            yield _Done(work.call, answers, self._session.load_seconds, fault=str(error))
            return
        yield _Done(work.call, answers, self._session.load_seconds)
