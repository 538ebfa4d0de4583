import pytest

from pulse_pipeline.progress import Task, describe, listening, track


class Recorder:
    def __init__(self):
        self.events = []

    def began(self, task):
        self.events.append(("began", task.done))

    def updated(self, task):
        self.events.append(("updated", task.done))

    def ended(self, task):
        self.events.append(("ended", task.done))


def test_a_listener_hears_everything_even_if_the_work_fails():
    recorder = Recorder()
    with listening(recorder), pytest.raises(RuntimeError), track("work", 3, "users") as task:
        task.advance(2)
        raise RuntimeError
    assert recorder.events == [("began", 0), ("updated", 2), ("ended", 2)]


def test_the_log_says_count_rate_and_time_left(caplog, monkeypatch):
    monkeypatch.setattr("pulse_pipeline.progress.LOG_EVERY_SECONDS", 0.0)
    with (
        caplog.at_level("INFO", logger="pulse.progress"),
        track("rationales Films", 10, "rationales") as task,
    ):
        task.advance(5)
    assert "rationales Films: 5/10 rationales" in caplog.text
    assert "s left" in caplog.text


def test_no_time_left_is_promised_before_the_first_unit():
    assert "left" not in describe(Task("work", 10, "users"))
