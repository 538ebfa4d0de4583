"""What every engine must do, asked of all three with the same words and the same small model."""

import itertools
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace

import httpx
import polars as pl
import pytest
import torch
from transformers import AutoTokenizer

from pulse_pipeline.rationales.engine import Prompt, Session
from pulse_pipeline.rationales.judging import TextJudge
from pulse_pipeline.rationales.spec import ModelRef, RationaleSettings, RationaleSpec, Sampling
from resources.engines.in_process import number_format
from resources.language_model import LanguageModel

PROMPTS = 10
AT_ONCE = 8
WINDOW = 2 * AT_ONCE  # prompts that an engine may hold: it reads one ahead for each that it works on
LONGEST = 768  # tokens
START_SECONDS = 300
TOKEN = "token-of-the-tests"
THINGS = [
    "a tent",
    "a stove",
    "a novel",
    "a lamp",
    "a puzzle",
    "a kettle",
    "a drill",
    "a scarf",
    "a drum",
    "a rug",
]


@dataclass
class Subject:
    """An engine under test; the session stays open for all tests of it."""

    model: LanguageModel
    session: Session
    spec: RationaleSpec


@pytest.fixture(scope="module", params=["vllm", "server", "ray"])
def engine(request, weights, tmp_path_factory):
    fields = {
        "engine": request.param,
        "max_num_seqs": AT_ONCE,
        "max_model_len": LONGEST,
        "cpu_kv_cache_gib": 1,
    }
    spec = _spec(weights)
    if request.param == "server":
        pytest.importorskip("vllm")
        with _vllm_serve(weights, tmp_path_factory.mktemp("server")) as url:
            yield from _subject(LanguageModel(**fields, server_url=url, concurrency=AT_ONCE), spec)
    elif request.param == "ray":
        pytest.importorskip("ray", reason="Ray is not installed: pip install 'pulse-pipeline[distributed]'")
        yield from _subject(LanguageModel(**fields, block_prompts=AT_ONCE), spec)
    else:
        yield from _subject(LanguageModel(**fields), spec)


def _spec(weights, **sampling):
    model = ModelRef(model=str(weights), revision="local")
    return RationaleSettings(model=model, sampling=Sampling(**{"temperature": 0.0} | sampling)).spec(
        "foresight"
    )


def _subject(model, spec):
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PULSE_TESTS_TOKEN", TOKEN)
        model = model.model_copy(update={"token_variable": "PULSE_TESTS_TOKEN"})
        with model.session() as session:
            yield Subject(model, session, spec)


@contextmanager
def _vllm_serve(weights, folder):
    """A real server of the model on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    on_gpu = torch.cuda.is_available()
    words = [
        *("--model", weights, "--host", "127.0.0.1", "--port", port, "--api-key", TOKEN),
        *("--max-num-seqs", AT_ONCE, "--max-model-len", LONGEST, "--dtype", number_format(on_gpu)),
        *("--structured-outputs-config", '{"backend": "xgrammar", "disable_any_whitespace": true}'),
        *("--generation-config", "vllm", "--enable-prompt-tokens-details"),
        *(() if on_gpu else ("--enforce-eager", "--no-enable-chunked-prefill", "--block-size", 32)),
    ]
    own = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_ENABLE_V1_MULTIPROCESSING": "1"}
    with (folder / "log").open("w") as log:
        serving = subprocess.Popen(
            [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *map(str, words)],
            env={**os.environ, **own},
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}", serving, folder / "log")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        serving.terminate()
        serving.wait(timeout=60)


def _wait_for(url, serving, log):
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and serving.poll() is None:
        try:
            if httpx.get(f"{url}/health").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    pytest.fail(f"vllm serve did not start: {log.read_text()[-2000:]}")


def _prompts(numbers, name="key"):
    for n in numbers:
        thing, other = THINGS[n % len(THINGS)], THINGS[(n * 3 + 1) % len(THINGS)]
        history = f"- {thing}. They wrote: 'light and well made'\n- {other}. They wrote: 'a gift for my son'"
        question = RationaleSettings().foresight.replace("{history}", history)
        yield Prompt(f"{name}-{n}", "You explain, in plain words, why a person chooses things.", question, n)


@pytest.fixture(scope="module")
def answers(engine):
    """Greedy answers to a few more prompts than the engine works on at once."""
    return list(engine.session.generate(_prompts(range(PROMPTS)), engine.spec))


def test_every_prompt_is_answered_once_under_its_key(answers):
    assert sorted(answer.key for answer in answers) == sorted(f"key-{n}" for n in range(PROMPTS))


def test_answers_satisfy_the_grammar(answers, engine):
    limits = engine.spec.json_schema["properties"]["rationale"]
    finished = [json.loads(answer.text) for answer in answers if answer.finished]
    assert len(finished) >= 0.8 * PROMPTS
    for content in finished:
        assert list(content) == ["rationale"]
        assert limits["minLength"] <= len(content["rationale"]) <= limits["maxLength"]


def test_tokens_are_counted(answers, engine, weights):
    tokenizer = AutoTokenizer.from_pretrained(weights)
    read = {}
    for prompt in _prompts(range(PROMPTS)):
        chat = [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}]
        read[prompt.key] = len(
            tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)
        )
    for answer in answers:
        assert answer.prompt_tokens == read[answer.key]
        assert 0 < answer.completion_tokens <= engine.spec.sampling.max_tokens
        assert 0 <= answer.cached_tokens < answer.prompt_tokens


def test_the_cost_of_loading_is_told(answers, engine):
    assert (engine.session.load_seconds > 0) == (engine.model.engine != "server")


def test_greedy_answers_are_the_same_again(answers, engine):
    again = {
        answer.key: answer.text for answer in engine.session.generate(_prompts(range(PROMPTS)), engine.spec)
    }
    share = sum(again[answer.key] == answer.text for answer in answers) / PROMPTS
    # Not all: what the prefix cache holds by now changes the rounding. Measured: 0.9 to 1.
    assert share >= 0.6


def test_an_answer_without_room_is_not_finished(answers, engine, weights):
    (answer,) = engine.session.generate(_prompts([0]), _spec(weights, max_tokens=8))
    assert not answer.finished
    assert answer.completion_tokens == 8


def test_a_prompt_that_is_too_long_is_not_cut_and_harms_no_other(answers, engine):
    long = [Prompt(f"long-{n}", "Be brief.", "word " * 2 * LONGEST, 1) for n in range(WINDOW + 1)]
    found = list(engine.session.generate([*long, *_prompts([3], "after")], engine.spec))
    assert {answer.key for answer in found if answer.fits} == {"after-3"}
    assert {answer.key for answer in found if not answer.fits} == {prompt.key for prompt in long}
    assert {answer.prompt_tokens for answer in found if not answer.fits} == {0}


def test_one_spec_and_seed_give_one_accepted_set(answers, engine, weights):
    warm = _spec(weights, temperature=0.7)
    accepted = [_accepted(engine.session, warm, seed) for seed in (1, 1, 2)]
    same, other = (len(accepted[0] & more) / len(accepted[0] | more) for more in accepted[1:])
    # Not 1: rounding depends on what is decoded beside. Another seed says other things.
    assert same >= 0.5
    assert other < 0.5


def _accepted(session, spec, seed):
    """Keys and rationales of the answers that pass the checks."""
    prompts = [replace(prompt, seed=prompt.seed + 1000 * seed) for prompt in _prompts(range(PROMPTS))]
    evidence = {prompt.key: prompt.user for prompt in prompts}
    answers = list(session.generate(prompts, spec))
    judged = TextJudge(spec, None)(
        pl.DataFrame(
            {
                "key": [answer.key for answer in answers],
                "text": [answer.text for answer in answers],
                "finished": [answer.finished for answer in answers],
                "evidence": [evidence[answer.key] for answer in answers],
                "secrets": [[] for _ in answers],
            },
            schema_overrides={"secrets": pl.List(pl.String)},
        )
    )
    return set(judged.filter(pl.col("reject_reason").is_null()).select("key", "rationale").iter_rows())


def test_prompts_are_read_as_they_are_needed(answers, engine):
    read = []

    def endless():
        for prompt in _prompts(itertools.count(), "endless"):
            read.append(prompt)
            yield prompt

    stream = engine.session.generate(endless(), engine.spec)
    taken = list(itertools.islice(stream, 5))
    stream.close()
    assert len({answer.key for answer in taken}) == 5
    assert len(read) <= 2 * WINDOW
    # What was under way when the stream was closed does not turn up in the next one.
    (answer,) = engine.session.generate(_prompts([1], "next"), engine.spec)
    assert answer.key == "next-1"


@pytest.mark.parametrize("name", ["vllm", "server", "ray"])
def test_no_prompts_load_nothing(name):
    nowhere = ModelRef(model="nobody/nothing", revision="0" * 40)
    spec = RationaleSettings(model=nowhere).spec("foresight")
    with LanguageModel(engine=name, max_num_seqs=1).session() as session:
        assert list(session.generate(iter(()), spec)) == []
        assert session.load_seconds == 0
