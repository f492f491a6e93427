"""From the `Authorization` header to a `Principal`."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security.utils import get_authorization_scheme_param

from dragoman.accounts.keys import Keys
from dragoman.core.types import Principal


async def authenticate(request: Request) -> Principal:
    """Who calls; also noted for the log. Raises `Unauthenticated`."""
    scheme, credential = get_authorization_scheme_param(request.headers.get("authorization"))
    keys: Keys = request.app.state.keys
    peer = request.client.host if request.client else "unknown"
    principal = keys.authenticate(credential if scheme.lower() == "bearer" else None, peer)
    request.state.principal = principal.id
    return principal


Caller = Annotated[Principal, Depends(authenticate)]
