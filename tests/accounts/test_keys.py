"""Who calls."""

import pytest

from dragoman.accounts.keys import Keys
from dragoman.core.errors import Unauthenticated


def test_without_keys_everybody_is_known_by_address() -> None:
    """A credential that nobody asked for is ignored."""
    assert Keys([]).authenticate("anything", "10.0.0.1").id == "address:10.0.0.1"


def test_each_key_is_a_principal_that_does_not_show_the_key() -> None:
    """The id is stable, differs by key, and is not the key."""
    keys = Keys(["alpha", "beta"])

    ids = [keys.authenticate(key, "peer").id for key in ("alpha", "beta", "alpha")]

    assert ids[0] == ids[2] != ids[1]
    assert "alpha" not in ids[0]


@pytest.mark.parametrize("credential", [None, "", "alph", "alphaa", "ALPHA", "é"])
def test_any_other_credential_is_refused(credential: str | None) -> None:
    """Near misses and text that is not ASCII too."""
    with pytest.raises(Unauthenticated, match="API key provided"):
        Keys(["alpha"]).authenticate(credential, "peer")
