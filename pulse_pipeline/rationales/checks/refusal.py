"""A model that will not answer, or talks of itself, gives no reason."""

from typing import ClassVar

import polars as pl

# Over `words`: "I can't recommend it enough" is praise, so not every "I can't" is a refusal.
_UNABLE = (
    r"i (?:cannot|cant|can not|could not|am unable to|am not able to|wont|will not|am not allowed to) "
    r"(?:\w+ )?(?:assist|help(?: you)? (?:with|you)|provide|answer|fulfill|fulfil|comply|generate|create|"
    r"write|determine|access|browse|engage|continue with|respond)"
)
_REFUSAL = (
    rf"^ (?:well |unfortunately |apologies )?(?:but )?{_UNABLE} "
    r"|(?:^| )(?:im|i am) (?:very |really )?sorry (?:but )?"
    r"(?:as an|im (?:not|unable)|i (?:cannot|cant|can not|am not|am unable|do not|dont)) "
    r"|^ (?:i apologi[sz]e|apologies) (?:but|for (?:the|any) (?:confusion|inconvenience)) "
    r"| as an? (?:ai|artificial intelligence) (?:language |chat |text )?(?:model|assistant|bot|system|i) "
    r"| (?:im|i am) (?:just |only )?an? (?:ai|artificial intelligence|(?:large )?language model|chatbot) "
    r"| as an? (?:large )?language model "
)


class Refusal:
    """Rejects "I'm sorry, but I cannot ..." and "As an AI ..."."""

    name: ClassVar[str] = "refusal"
    reason: ClassVar[str] = "refuses to answer"

    def rejects(self, parsed: pl.DataFrame) -> pl.Series:
        """Check rationales, as `Check` says."""
        return parsed["words"].str.contains(_REFUSAL)
