import pytest

from pulse_pipeline.rationales.cuts import cut_points
from pulse_pipeline.rationales.generation import ANSWERS, RunIds, Writer, read
from pulse_pipeline.rationales.prompts import build_requests
from pulse_pipeline.rationales.spec import RationaleSettings
from pulse_pipeline.shards import ShardStore
from tests.rationales.stub import StubSession
from tests.rationales.tables import interactions, items

SPEC = RationaleSettings().spec("foresight")


def _requests(users=60):
    table = interactions(users=users)
    return build_requests(table, items(), cut_points(table), SPEC)


def test_every_request_is_answered_once(tmp_path):
    requests, session, store = _requests(), StubSession(), ShardStore(tmp_path, ANSWERS)
    ledger = Writer(session, store, RunIds("d", "m")).write(requests, SPEC, "test")
    table = read(requests, SPEC, store)
    assert len(table) == len(requests) == len({prompt.key for prompt in session.asked})
    assert table["valid"].all()
    assert set(table["dagster_run_id"]) == {"d"}
    assert set(table["spec_fingerprint"]) == {SPEC.fingerprint()}
    assert (ledger.generated, ledger.reused) == (len(requests), 0)
    assert ledger.prompt_tokens == 100 * len(requests)


def test_a_second_run_asks_nothing(tmp_path):
    requests, store = _requests(), ShardStore(tmp_path, ANSWERS)
    Writer(StubSession(), store).write(requests, SPEC, "test")
    again = StubSession()
    ledger = Writer(again, store).write(requests, SPEC, "test")
    assert again.asked == []
    assert (ledger.generated, ledger.reused) == (0, len(requests))


@pytest.mark.parametrize("died_after", [0, 1, 63, 64, 65, 130])
def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, died_after):
    requests, store = _requests(), ShardStore(tmp_path, ANSWERS)
    first = StubSession(dies_after=died_after)
    with pytest.raises(KeyboardInterrupt):
        Writer(first, store).write(requests, SPEC, "test")
    second = StubSession()
    Writer(second, store).write(requests, SPEC, "test")
    asked = [prompt.key for prompt in first.asked + second.asked]
    assert len(asked) == len(set(asked)) == len(requests)
    assert len(read(requests, SPEC, store)) == len(requests)


def test_new_users_cost_only_themselves(tmp_path):
    store = ShardStore(tmp_path, ANSWERS)
    Writer(StubSession(), store).write(_requests(users=10), SPEC, "test")
    session = StubSession()
    Writer(session, store).write(_requests(users=12), SPEC, "test")
    assert len(session.asked) == len(_requests(users=12)) - len(_requests(users=10))


def test_a_rejected_answer_is_kept_with_its_reason(tmp_path):
    requests, store = _requests(users=2), ShardStore(tmp_path, ANSWERS)
    Writer(StubSession(lambda _: "no"), store).write(requests, SPEC, "test")
    table = read(requests, SPEC, store)
    assert not table["valid"].any()
    assert table["reject_reason"].str.contains("different words").all()
    assert set(table["rationale"]) == {"no"}
