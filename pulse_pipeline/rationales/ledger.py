"""What rationales cost, and whom it is charged to."""

import time
from dataclasses import dataclass, replace

from pulse_pipeline.rationales.engine import Session


@dataclass(frozen=True)
class Ledger:
    """The cost of one generation, or of several added up.

    Attributes:
        reused: Rationales found already written.
        generated: Answers written now, rejected ones included.
        prompt_tokens: Tokens read for those.
        completion_tokens: Tokens written for those.
        cached_tokens: Prompt tokens that the engine had in its prefix cache.
        seconds: Wall time, loading included.
        load_seconds: Of which the model's loading.
        device_hours: Hours of the devices that wrote.
        price: What they cost.
    """

    reused: int = 0
    generated: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    seconds: float = 0.0
    load_seconds: float = 0.0
    device_hours: float = 0.0
    price: float = 0.0

    def __add__(self, other: "Ledger") -> "Ledger":
        """Both costs together."""
        return Ledger(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    @property
    def rationales_per_second(self) -> float:
        """Answers written a second, loading excluded; 0 if none was written."""
        return self.generated / max(self.seconds - self.load_seconds, 1e-9) if self.generated else 0.0


@dataclass(frozen=True)
class Account:
    """What answers are charged to, at today's price.

    Attributes:
        name: The dataset they are written for.
        devices: Devices that write at once.
        price_per_hour: What an hour of one of them costs.
    """

    name: str = ""
    devices: int = 1
    price_per_hour: float = 0.0

    def charged(self, ledger: Ledger) -> Ledger:
        """A cost with what the devices' time is worth."""
        hours = ledger.seconds * self.devices / 3600
        return replace(ledger, device_hours=hours, price=hours * self.price_per_hour)


class Meter:
    """Tells what was spent since it was last read.

    Attributes:
        total: All that it has told.
    """

    def __init__(self, session: Session, account: Account) -> None:
        """Start now."""
        self._session, self._account = session, account
        self._read_at, self._loaded = time.monotonic(), session.load_seconds
        self.total = Ledger()

    def read(self, counts: Ledger, *, writing: bool) -> Ledger:
        """What was counted since the last time, with the time that it took.

        Args:
            counts: What was counted.
            writing: Whether the devices were needed meanwhile.
        """
        now, loaded = time.monotonic(), self._session.load_seconds
        took = replace(counts, seconds=now - self._read_at, load_seconds=loaded - self._loaded)
        self._read_at, self._loaded = now, loaded
        spent = self._account.charged(took) if writing else took
        self.total += spent
        return spent
