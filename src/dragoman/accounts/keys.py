"""API keys: who a credential belongs to."""

import hashlib
import hmac
from collections.abc import Iterable

from dragoman.core.errors import Unauthenticated
from dragoman.core.types import Principal


class Keys:
    """The API keys of this server. Without any, everybody may call and is known by address."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._ids = {key: hashlib.sha256(key.encode()).hexdigest()[:12] for key in keys if key}

    def authenticate(self, credential: str | None, peer: str) -> Principal:
        """Who presents this credential. Raises `Unauthenticated`. Takes the same time wherever a wrong key differs."""
        if not self._ids:
            return Principal(f"address:{peer}")
        presented = (credential or "").encode()
        found = [key_id for key, key_id in self._ids.items() if hmac.compare_digest(key.encode(), presented)]
        if not found:
            problem = "Incorrect API key provided" if credential else "No API key provided"
            raise Unauthenticated(f"{problem}. Send one of this server's keys as `Authorization: Bearer <key>`.")
        return Principal(f"key:{found[0]}")
