"""The limit on work in progress."""

import pytest

from dragoman.core.errors import Overloaded
from dragoman.scheduling.admission import Admission


def test_permits_are_given_up_to_the_limit_and_come_back() -> None:
    """The one over the limit is refused with seconds to wait; a place that was left can be taken, failure or not."""
    admission = Admission(1)

    with admission.permit(), pytest.raises(Overloaded) as refused, admission.permit():
        pass
    with pytest.raises(ZeroDivisionError), admission.permit():
        raise ZeroDivisionError
    with admission.permit():
        assert admission.in_progress == 1

    assert 1 <= refused.value.retry_after_seconds <= 120
    assert admission.in_progress == 0
