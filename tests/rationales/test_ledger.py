import pytest

from pulse_pipeline.errors import PulseError
from pulse_pipeline.rationales.ledger import Account, Ledger, Meter
from resources.language_model import LanguageModel
from tests.rationales.stub import StubSession


def test_costs_add_up():
    one, two = (
        Ledger(1, 2, 30, 40, 5, 6.0, 7.0, 8.0, 9.0),
        Ledger(10, 20, 300, 400, 50, 60.0, 70.0, 80.0, 90.0),
    )
    assert one + two == Ledger(11, 22, 330, 440, 55, 66.0, 77.0, 88.0, 99.0)
    assert sum([one, two], Ledger()) == one + two


def test_loading_is_no_part_of_the_rate():
    assert Ledger(generated=20, seconds=30.0, load_seconds=20.0).rationales_per_second == pytest.approx(2.0)
    assert Ledger(reused=5, seconds=1.0).rationales_per_second == 0.0


def test_every_device_is_charged():
    spent = Account("rationales[Books]", devices=4, price_per_hour=2.5).charged(
        Ledger(generated=1, seconds=1800.0)
    )
    assert (spent.device_hours, spent.price) == (pytest.approx(2.0), pytest.approx(5.0))


def test_no_device_is_charged_for_looking_up():
    meter = Meter(StubSession(), Account(price_per_hour=2.5))
    assert meter.read(Ledger(reused=9), writing=False).price == 0.0
    assert meter.read(Ledger(), writing=True).price > 0.0


def test_a_meter_tells_each_second_once():
    session = StubSession()
    meter = Meter(session, Account())
    session.load_seconds = 3.0
    first = meter.read(Ledger(generated=1), writing=True)
    second = meter.read(Ledger(generated=2), writing=True)
    assert (first.load_seconds, second.load_seconds) == (3.0, 0.0)
    assert meter.total == first + second


@pytest.mark.parametrize("price", ["much", "-1", "inf", "nan"])
def test_a_price_that_is_none_is_one_line(monkeypatch, price):
    monkeypatch.setenv("PULSE_PRICE_PER_HOUR", price)
    with pytest.raises(PulseError, match="PULSE_PRICE_PER_HOUR"):
        LanguageModel.from_environment()


def test_the_price_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("PULSE_PRICE_PER_HOUR", "2.5")
    assert LanguageModel.from_environment().price_per_hour == 2.5
