"""Everything that Dragoman tells a caller to be wrong.

DragomanError
├── ConfigurationError        a setting, a model file: the server does not start
├── ModelUnavailable          a model that cannot be had: `dragoman models pull`
├── InvalidRequest            400
│   ├── UnsupportedLanguage   400, with Qwen-MT's own message
│   └── UnsupportedParameter  400, a parameter that has no effect here
├── Unauthenticated           401
├── ModelNotFound             404
├── RequestTooLarge           413
├── Overloaded                429, with the seconds to wait
├── UpstreamFailed            502, a server that an engine asks
├── ShuttingDown              503
└── DeadlineExceeded          504

Messages are safe to show to a caller. Any other exception is a bug and stays private.
"""

from typing import ClassVar


class DragomanError(Exception):
    """An error with a message for the caller, a stable code, and the field at fault, if one is."""

    code: ClassVar[str] = "internal_error"

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


class ConfigurationError(DragomanError):
    """The server cannot start as configured; the message says what to do."""


class ModelUnavailable(DragomanError):
    """A model cannot be downloaded, converted or kept; the message says what to do."""


class InvalidRequest(DragomanError):
    """The request cannot be served as it is."""

    code = "invalid_parameter_error"


class UnsupportedLanguage(InvalidRequest):
    """A language that is unknown, or a pair that no engine has. Clients match the first sentence."""

    def __init__(self, detail: str, *, param: str | None = None) -> None:
        super().__init__(f"Current language settings are not supported! {detail}", param=param)


class UnsupportedParameter(InvalidRequest):
    """A parameter that would have no effect, which is worse than a refusal."""

    code = "unsupported_parameter"


class Unauthenticated(DragomanError):
    """No API key, or one that is not known."""

    code = "invalid_api_key"


class ModelNotFound(DragomanError):
    """The model is not an alias of this server."""

    code = "model_not_found"


class RequestTooLarge(DragomanError):
    """The body is over the limit."""

    code = "request_too_large"


class Overloaded(DragomanError):
    """The server is full; try again after `retry_after_seconds`."""

    code = "limit_burst_rate"

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UpstreamFailed(DragomanError):
    """The server that an engine asks could not be reached, refused, or gave no translation."""

    code = "upstream_error"


class ShuttingDown(DragomanError):
    """The server finishes what it has and takes nothing new."""

    code = "service_unavailable"


class DeadlineExceeded(DragomanError):
    """The answer was not ready when the client or the operator wanted it to be. What was left of it is dropped."""

    code = "request_timeout"
