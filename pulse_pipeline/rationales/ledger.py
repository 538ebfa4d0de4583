"""What rationales cost."""

from dataclasses import dataclass


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
    """

    reused: int = 0
    generated: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    seconds: float = 0.0
    load_seconds: float = 0.0

    def __add__(self, other: "Ledger") -> "Ledger":
        """Both costs together."""
        return Ledger(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    @property
    def rationales_per_second(self) -> float:
        """Answers written a second, loading excluded; 0 if none was written."""
        return self.generated / max(self.seconds - self.load_seconds, 1e-9) if self.generated else 0.0

    def hours(self, devices: int = 1) -> float:
        """Device hours that it took."""
        return self.seconds * devices / 3600
