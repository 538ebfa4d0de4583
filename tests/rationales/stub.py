"""A language model for unit tests of what surrounds it."""

import json

from pulse_pipeline.rationales.engine import Completion


class StubSession:
    """Answers from a function, counts what it is asked, can die after some answers."""

    load_seconds = 0.0

    def __init__(
        self, answer=lambda prompt: f"They value the quiet, honest voices of {prompt.key}", dies_after=None
    ):
        self.asked = []
        self._answer, self._dies_after = answer, dies_after

    def generate(self, prompts, spec):
        for prompt in prompts:
            if self._dies_after is not None and len(self.asked) >= self._dies_after:
                raise KeyboardInterrupt
            self.asked.append(prompt)
            text = json.dumps({"rationale": self._answer(prompt)})
            yield Completion(prompt.key, text, 100, 20, 50, True)
