"""The client of an OpenAI-compatible server, against one on loopback that misbehaves."""

import itertools
import json
import logging
import ssl
import time
import traceback
from concurrent.futures import ALL_COMPLETED
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
import stamina
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pulse_pipeline.definitions import build_defs
from pulse_pipeline.errors import OutageError, PulseError
from pulse_pipeline.rationales.engine import Completion, Prompt
from pulse_pipeline.rationales.spec import ModelRef, RationaleSettings, Sampling
from resources.engines import openai_server
from resources.language_model import LanguageModel
from tests.resources.chat_server import MODEL, chat_server

SPEC = RationaleSettings(model=ModelRef(model=MODEL, revision="served")).spec("foresight")
SECRET = "s3cret-t0ken"


@pytest.fixture
def server():
    with chat_server() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_pauses():
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


def prompts(count):
    return (Prompt(f"key-{n}", "the system", f"question {n}", 1000 + n) for n in count)


def ask(server, count=1, spec=SPEC, **fields):
    model = LanguageModel(engine="server", server_url=server.url, **fields)
    with model.session() as session:
        return list(session.generate(prompts(range(count)), spec))


def fails(server, **fields):
    """The one line that the user sees."""
    with pytest.raises(PulseError) as raised:
        ask(server, **fields)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def own_certificate(folder):
    """A certificate for this machine that nobody has signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def test_every_question_is_asked_once_with_the_whole_spec(server):
    answers = ask(server, 200, concurrency=16)
    assert {answer.key for answer in answers} == {f"key-{n}" for n in range(200)}
    for answer in answers:
        text = json.dumps({"rationale": f"question {answer.key.removeprefix('key-')}"})
        assert answer == Completion(answer.key, text, 9, 4, 5, True)
    assert len(server.requests) == 200
    asked = next(body for body in server.requests if body["seed"] == 1007)
    assert asked.pop("response_format")["json_schema"]["schema"] == SPEC.json_schema
    assert asked == {
        "model": MODEL,
        "messages": [
            {"role": "system", "content": "the system"},
            {"role": "user", "content": "question 7"},
        ],
        "temperature": SPEC.sampling.temperature,
        "top_p": SPEC.sampling.top_p,
        "frequency_penalty": SPEC.sampling.frequency_penalty,
        "max_tokens": SPEC.sampling.max_tokens,
        "seed": 1007,
    }


def test_a_limit_of_tokens_to_draw_from_is_sent_where_it_is_set(server):
    ask(server, spec=RationaleSettings(model=SPEC.model, sampling=Sampling(top_k=51)).spec("foresight"))
    assert [body["top_k"] for body in server.requests] == [51]


def test_an_answer_that_was_cut_is_not_finished(server):
    short = RationaleSettings(model=SPEC.model, sampling=Sampling(max_tokens=8)).spec("foresight")
    assert [answer.finished for answer in ask(server, spec=short)] == [False]


@pytest.mark.parametrize("fault", [408, 429, 500, 503, "cut"])
def test_what_passes_is_tried_again(server, fault):
    server.faults = [fault, None, fault]
    answers = ask(server, 8, concurrency=2)
    assert len({answer.key for answer in answers}) == len(answers) == 8
    assert len(server.requests) == 10


def test_a_server_that_says_when_to_come_back_is_asked_then(server):
    server.faults = [(429, "slow down", {"Retry-After": "1"})]
    with stamina.set_testing(False):
        ask(server)
    assert 1.0 <= server.times[1] - server.times[0] < 4.0


def test_what_does_not_pass_ends_after_the_last_attempt(server):
    server.faults = [503] * 9
    assert "failed 3 times, at last with 503" in fails(server, attempts=3)
    assert len(server.requests) == 3
    server.faults = ["cut"] * 9
    assert "a new run goes on" in fails(server, attempts=3)
    assert len(server.requests) == 6


def test_an_answer_that_takes_too_long_is_not_waited_for(server):
    server.seconds = 5.0
    started = time.monotonic()
    assert "no answer from the server" in fails(server, timeout_seconds=0.1, attempts=2)
    assert time.monotonic() - started < 4
    assert len(server.requests) == 2


def test_https_is_trusted_only_with_a_certificate_that_is_known(server, tmp_path, monkeypatch):
    certificate = own_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.url = server.url.replace("http://", "https://")
    assert "SSL_CERT_FILE" in fails(server, attempts=2)
    assert server.requests == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    assert len(ask(server, 3)) == 3


def test_at_most_so_many_wait_at_the_server(server):
    server.seconds = 0.05
    ask(server, 40, concurrency=5)
    assert server.most_at_once == 5


def test_prompts_are_read_as_they_are_needed_and_closing_cancels_the_rest(server):
    server.seconds = 0.1
    read = []

    def endless():
        for prompt in prompts(itertools.count()):
            read.append(prompt)
            yield prompt

    model = LanguageModel(engine="server", server_url=server.url, concurrency=4)
    with model.session() as session:
        stream = session.generate(endless(), SPEC)
        taken = list(itertools.islice(stream, 5))
        started = time.monotonic()
        stream.close()
    assert time.monotonic() - started < 5
    assert len({answer.key for answer in taken}) == 5
    assert len(read) <= 5 + 2 * 4
    asked = len(server.requests)
    time.sleep(0.5)
    assert len(server.requests) == asked


def test_no_questions_need_no_server():
    with LanguageModel(engine="server", server_url="http://127.0.0.1:9/v1").session() as session:
        assert list(session.generate([], SPEC)) == []
        assert session.load_seconds == 0


def test_a_server_that_is_not_there_is_named_at_once(server):
    server.shutdown()
    server.server_close()
    line = fails(server)
    assert server.url in line
    assert "start it" in line


@pytest.mark.parametrize(
    "url", ["", "localhost:8000", "ftp://host/v1", "http://", "http://host:port/v1", "bob:s3cret@host:1/v1"]
)
def test_what_is_no_address_says_what_one_looks_like(url):
    with (
        LanguageModel(engine="server", server_url=url).session() as session,
        pytest.raises(PulseError, match="set PULSE_LLM_URL, such as http://127") as raised,
    ):
        list(session.generate(prompts([1]), SPEC))
    assert "s3cret" not in str(raised.value)


def test_a_page_that_is_no_such_server_is_told_so(server):
    server.served = None
    assert "usually ends in /v1" in fails(server)
    server.served = []
    assert "serves no model" in fails(server)


def test_a_wrong_model_names_those_that_are_served(server):
    server.served = ["something/else", "another"]
    line = fails(server)
    assert "something/else, another" in line
    assert f"--served-model-name {MODEL}" in line
    assert server.requests == []


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ((400, "unknown\nfield \x1b[31m" + "x" * 999, {}), "unknown field [31mxxx"),
        ((404, "nothing here", {}), "nothing here"),
        ((403, "no", {}), "PULSE_LLM_TOKEN"),
    ],
)
def test_what_is_refused_is_one_line_and_not_asked_again(server, fault, named):
    server.faults = [fault]
    line = fails(server)
    assert named in line
    assert len(line) < 500
    assert len(server.requests) == 1


def test_a_prompt_that_is_too_long_is_an_answer_that_says_so(server):
    server.faults = [None, (400, "This model's maximum context length is 2048 tokens.", {}), None]
    answers = ask(server, 3, concurrency=1)
    assert sorted(answer.fits for answer in answers) == [False, True, True]
    assert len({answer.key for answer in answers}) == 3


def test_what_is_answered_is_handed_on_before_a_neighbours_fault(server, monkeypatch):
    monkeypatch.setattr(openai_server, "FIRST_COMPLETED", ALL_COMPLETED)  # all lie ready when it is looked
    server.faults = [(404, "gone", {}), None] * 4
    come = []
    with (
        LanguageModel(engine="server", server_url=server.url, concurrency=8).session() as session,
        pytest.raises(PulseError, match="gone"),
    ):
        come.extend(session.generate(prompts(range(8)), SPEC))
    assert len(come) == 4


def test_only_what_may_pass_is_worth_another_step(server):
    server.faults = [503] * 9
    with pytest.raises(OutageError):
        ask(server, attempts=2)
    server.faults = [(404, "gone", {})]
    with pytest.raises(PulseError) as refused:
        ask(server)
    assert not isinstance(refused.value, OutageError)


def test_an_answer_that_drips_is_not_waited_for_longer(server):
    server.dripping = 0.2
    started = time.monotonic()
    assert "no answer from the server" in fails(server, timeout_seconds=0.5, attempts=1)
    assert time.monotonic() - started < 3


def test_the_token_comes_from_the_environment_and_goes_nowhere_else(server, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    server.token = SECRET
    assert "PULSE_LLM_TOKEN" in fails(server)
    monkeypatch.setenv("MY_TOKEN", f"{SECRET}\n")
    model = LanguageModel(engine="server", server_url=server.url, token_variable="MY_TOKEN")
    with model.session() as session:
        assert len(list(session.generate(prompts(range(3)), SPEC))) == 3
        assert SECRET not in repr((model, session, vars(session)))
    server.token = "another"
    with pytest.raises(PulseError, match="MY_TOKEN") as refused:
        ask(server, token_variable="MY_TOKEN")
    server.token = None
    server.faults = [(400, f"what is {SECRET}?", {})]
    with pytest.raises(PulseError, match="what is …") as echoed:
        ask(server, token_variable="MY_TOKEN")
    for raised in (refused, echoed):
        assert SECRET not in "".join(traceback.format_exception(raised.value))
    assert SECRET not in caplog.text


def test_what_cannot_be_a_token_is_not_shown(server, monkeypatch):
    monkeypatch.setenv("PULSE_LLM_TOKEN", f"{SECRET}\nX-Header: 1")
    line = fails(server)
    assert "PULSE_LLM_TOKEN" in line
    assert SECRET not in line


def test_a_password_in_the_address_is_not_shown(server):
    server.url = f"http://user:{SECRET}@127.0.0.1:1/v1"
    line = fails(server)
    assert "PULSE_LLM_TOKEN" in line
    assert SECRET not in line


def test_the_environment_chooses_the_engine(server, monkeypatch):
    monkeypatch.setenv("PULSE_ENGINE", "server")
    monkeypatch.setenv("PULSE_LLM_URL", server.url)
    model = build_defs().resources["language_model"]
    with model.session() as session:
        assert len(list(session.generate(prompts(range(2)), SPEC))) == 2
    monkeypatch.setenv("PULSE_ENGINE", "oracle")
    with pytest.raises(PulseError, match=r"PULSE_ENGINE=oracle.*vllm, server, ray"):
        build_defs()
