"""From the `Authorization` header to a `Principal`."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from dragoman.accounts.keys import Keys
from dragoman.core.types import Principal

_bearer = HTTPBearer(auto_error=False, description="One of the server's API keys; not needed where none is configured.")


async def authenticate(
    request: Request, credential: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Principal:
    """Who calls; also noted for the log. Raises `Unauthenticated`."""
    keys: Keys = request.app.state.keys
    peer = request.client.host if request.client else "unknown"
    principal = keys.authenticate(credential.credentials if credential else None, peer)
    request.state.principal = principal.id
    return principal


Caller = Annotated[Principal, Depends(authenticate)]
