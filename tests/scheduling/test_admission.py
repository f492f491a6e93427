"""The limits on work in progress."""

import pytest

from dragoman.core.errors import Overloaded, ShuttingDown
from dragoman.scheduling.admission import Admission


class Clock:
    """Time that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        """What time it is."""
        return self.now


def test_permits_are_given_up_to_the_limit_and_come_back() -> None:
    """The one over the limit is refused with seconds to wait; a place that was left can be taken, failure or not."""
    admission = Admission(1, 100)

    with admission.permit(), pytest.raises(Overloaded) as refused, admission.permit():
        pass
    with pytest.raises(ZeroDivisionError), admission.permit():
        raise ZeroDivisionError
    with admission.permit():
        assert admission.in_progress == 1

    assert 1 <= refused.value.retry_after_seconds <= 120
    assert admission.in_progress == 0


def test_tokens_are_bounded_but_one_request_may_have_any_number() -> None:
    """A document over the limit is taken when nothing else is in progress; what was claimed comes back."""
    admission = Admission(9, 100)

    with admission.permit() as first, admission.permit() as second:
        first.claim(500)
        with pytest.raises(Overloaded, match="500 tokens"):
            second.claim(1)
    assert admission.tokens == 0
    with admission.permit() as third:
        third.claim(99)
        third.claim(1)  # another engine counts otherwise, but the request is the same
        assert admission.tokens == 99


@pytest.mark.parametrize(("tokens", "seconds"), [(10, 1), (100, 2), (5000, 100), (90_000, 120)])
def test_retry_after_is_what_is_left_at_the_measured_rate(tokens: int, seconds: int) -> None:
    """Fifty tokens a second here; never less than a second, nor more than SDKs wait."""
    clock = Clock()
    admission = Admission(1, 10**6, clock)
    admission.note_translated(10**6)  # long ago
    for clock.now in (100.0, 102.0, 104.0):
        admission.note_translated(100)
    clock.now = 106.0

    with admission.permit() as permit:
        permit.claim(tokens)
        with pytest.raises(Overloaded) as refused, admission.permit():
            pass
    assert refused.value.retry_after_seconds == seconds


def test_closed_it_takes_nothing_new() -> None:
    """What is in progress goes on."""
    admission = Admission(9, 100)

    with admission.permit() as permit:
        admission.close()
        permit.claim(10)
        with pytest.raises(ShuttingDown), admission.permit():
            pass
        assert admission.in_progress == 1
