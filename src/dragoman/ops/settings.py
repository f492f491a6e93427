"""The one table of settings. `dragoman.toml`, then the environment, then flags: the later wins.

`docs/configuration.md` shows this table, and a test keeps the two equal. Only `app.py` and `cli/` read settings.
"""

import ipaddress
import os
import re
import tomllib
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from dragoman.core.errors import ConfigurationError, UnsupportedLanguage
from dragoman.core.languages import resolve
from dragoman.ops.logging import LogFormat
from dragoman.ops.validation import first_problem

QWEN_MT_MODELS = ("qwen-mt-turbo", "qwen-mt-plus", "qwen-mt-flash", "qwen-mt-lite")
_STARTER = {"kind": "ctranslate2", "model": "starter"}
_PREFIX = "DRAGOMAN_"
DEFAULT_CONFIG = Path("dragoman.toml")

_LOCAL_AND_EXTENSION_ORIGINS = (
    r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?|(chrome|moz|safari-web|ms-browser)-extension://[\w.-]+"
)


def _split_commas(value: object) -> object:
    return [each.strip() for each in value.split(",") if each.strip()] if isinstance(value, str) else value


def _language_code(value: str) -> str:
    try:
        return resolve(value).code
    except UnsupportedLanguage as error:
        raise ValueError(error.message) from error


def _language_codes(values: list[str]) -> list[str]:
    return [_language_code(value) for value in values]


def _regular_expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return value


CommaList = Annotated[list[str], NoDecode, BeforeValidator(_split_commas)]
LanguageCode = Annotated[str, AfterValidator(_language_code)]


class EngineSettings(BaseModel):
    """A table `[engines.<name>]`: a kind, and the options of that kind."""

    model_config = ConfigDict(extra="allow")

    kind: str

    @property
    def options(self) -> dict[str, object]:
        """What the engine's factory gets."""
        return dict(self.__pydantic_extra__ or {})


class StepSettings(BaseModel):
    """An engine of an alias, and what it is asked for: pairs as `zh-en` or `*-en`, requests whose `domains` say a word.

    `budget_seconds`: how long its first piece may take where another engine could answer.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    pairs: list[str] = []
    domains: list[str] = []
    budget_seconds: float | None = Field(None, gt=0)

    @field_validator("pairs")
    @classmethod
    def _are_pairs(cls, pairs: list[str]) -> list[str]:
        """As codes."""
        return ["-".join(each if each == "*" else _language_code(each) for each in _two(pair)) for pair in pairs]

    def takes(self, source: str, target: str) -> bool:
        """Whether the engine is asked for this pair."""
        return not self.pairs or any(fnmatchcase(f"{source}-{target}", pair) for pair in self.pairs)


def _two(pair: str) -> tuple[str, str]:
    """The languages of a pair, either of which may have a hyphen in it."""
    parts = pair.split("-")
    for cut in range(1, len(parts)):
        source, target = "-".join(parts[:cut]), "-".join(parts[cut:])
        if all(each == "*" or _is_language(each) for each in (source, target)):
            return source, target
    raise ValueError(f"{pair!r} is no pair of languages; write it as zh-en or *-en")


def _is_language(spelling: str) -> bool:
    with suppress(UnsupportedLanguage):
        return bool(resolve(spelling))
    return False


def _steps(value: object) -> object:
    names = _split_commas(value)
    return [{"name": each} if isinstance(each, str) else each for each in names] if isinstance(names, list) else names


class AliasSettings(BaseModel):
    """A table `[aliases.<model id>]`. `engine`: one, or several; the first that can answers."""

    model_config = ConfigDict(extra="forbid")

    engine: Annotated[list[StepSettings], BeforeValidator(_steps)] = []
    stream: Literal["delta", "cumulative"] = "delta"
    stream_tokens: bool = False


class Settings(BaseSettings):
    """Every setting, with its default and what it does."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid", validate_default=True)

    host: str = Field("127.0.0.1", description="Address to listen on. Without API keys only loopback is allowed.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    api_keys: CommaList = Field([], description="Keys that clients may present, separated by commas.")
    api_keys_file: Path | None = Field(None, description="A file with further keys, one a line; `#` starts a comment.")
    allow_unauthenticated: bool = Field(
        False, description="Listen beyond loopback although no key is configured: everybody who reaches it may use it."
    )
    cors_origin_regex: Annotated[str, AfterValidator(_regular_expression)] = Field(
        _LOCAL_AND_EXTENSION_ORIGINS, description="Origins of browser pages and extensions that may call the API."
    )
    trusted_proxies: CommaList = Field(
        ["127.0.0.1", "::1"], description="Peers whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."
    )
    default_engine: CommaList = Field(
        ["starter"], description="The engine of every alias that names none; of several, the first that can answers."
    )
    engines: dict[str, EngineSettings] = Field({}, description="Engines by name; see docs/add-an-engine.md.")
    models_directory: Path = Field(
        Path("models"), description="Where `dragoman models pull` puts models; each is an engine of that name."
    )
    aliases: dict[str, AliasSettings] = Field(
        {}, description="Model ids, beside the four of Qwen-MT; `*` answers to every id."
    )
    pivot_languages: Annotated[CommaList, AfterValidator(_language_codes)] = Field(
        ["en"],
        description="Languages through which pairs go that no engine translates directly; none: they are refused.",
    )
    default_target: LanguageCode = Field("English", description="Target language of requests that name none.")
    default_target_alternative: LanguageCode = Field(
        "Chinese", description="The same, for text that is in the default target language already."
    )
    detect_fallback: LanguageCode = Field(
        "English", description="Source language of text that cannot be recognised, where the model translates it."
    )
    strict_roles: bool = Field(False, description="Refuse messages of other roles than user and assistant, as Qwen-MT.")
    max_input_chars: int = Field(200_000, ge=1, description="Longest text of a request, in characters.")
    max_body_bytes: int = Field(4 * 1024 * 1024, ge=1024, description="Largest body of a request, in bytes.")
    max_concurrent_requests: int = Field(128, ge=1, description="Requests in progress beyond which the answer is 429.")
    max_queued_tokens: int = Field(
        200_000, ge=1, description="Tokens of text in progress beyond which the answer is 429."
    )
    request_timeout_seconds: float = Field(
        600, gt=0, description="Longest time for an answer; `x-request-timeout` may ask for less. Then: 504."
    )
    shutdown_timeout_seconds: float = Field(
        30, ge=0, description="After SIGTERM, how long requests in progress may take before the server exits."
    )
    cache: bool | str = Field(
        True,
        union_mode="left_to_right",
        description="Keep translations of segments, to answer equal ones at once: `true` in memory, "
        "`redis://…` in a Redis (`pip install dragoman[redis]`), `false` not at all.",
    )
    cache_megabytes: int = Field(32, ge=1, description="How much memory the cache in memory may take, about.")
    heartbeat_seconds: float = Field(15, gt=0, description="Silence in a stream after which a comment is sent.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least severe log line.")
    log_format: LogFormat = Field("console", description="`json` for one JSON object a line.")

    @model_validator(mode="after")
    def _complete(self) -> "Settings":
        self.engines = {"starter": EngineSettings.model_validate(_STARTER)} | self._pulled() | self.engines
        self.aliases = {model: AliasSettings() for model in QWEN_MT_MODELS} | self.aliases
        known = ", ".join(sorted(self.engines))
        for name in self.default_engine:
            if name not in self.engines:
                raise ValueError(f"`default_engine` is {name!r}, but there are only: {known}")
        for model, alias in self.aliases.items():
            alias.engine = alias.engine or [StepSettings(name=name) for name in self.default_engine]
            for step in alias.engine:
                if step.name not in self.engines:
                    raise ValueError(f"alias {model!r} names the engine {step.name!r}, but there are only: {known}")
        return self

    def _pulled(self) -> dict[str, EngineSettings]:
        """An engine for each model that was pulled; it is loaded only where an alias names it."""
        return {
            card.parent.name: EngineSettings.model_validate({"kind": kind, "model": str(card.parent)})
            for kind, name in (("ctranslate2", "model.toml"), ("llm", "llm.toml"))
            for card in sorted(self.models_directory.glob(f"[!.]*/{name}"))
        }

    @classmethod
    def settings_customise_sources(  # the signature is pydantic-settings'
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, environment, file: the first that names a setting decides."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    def all_api_keys(self) -> list[str]:
        """The keys of the setting and of the file. Raises `ConfigurationError` when the file cannot be read."""
        if self.api_keys_file is None:
            return self.api_keys
        try:
            lines = self.api_keys_file.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"`api_keys_file` {self.api_keys_file} cannot be read ({error}).") from error
        return self.api_keys + [key for line in lines if (key := line.partition("#")[0].strip())]

    def check_exposure(self) -> None:
        """Raise `ConfigurationError` if strangers could reach a server without keys."""
        if self.all_api_keys() or self.allow_unauthenticated or _is_loopback(self.host):
            return
        raise ConfigurationError(
            f"refusing to listen on {self.host} without API keys: "
            "set DRAGOMAN_API_KEYS, or allow_unauthenticated = true if everybody who reaches it may use it."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_setting(variable: str) -> bool:
    return variable.removeprefix(_PREFIX).lower() in Settings.model_fields


def load_settings(config: Path | None = None, **flags: object) -> Settings:
    """Read the settings. `config` None: `dragoman.toml`, if it is there. Flags that are None are not given.

    Raises `ConfigurationError`: one sentence that names the setting.
    """
    if config is not None and not config.is_file():
        raise ConfigurationError(f"the configuration file {config} does not exist.")
    unknown = [name for name in os.environ if name.startswith(_PREFIX) and not _is_setting(name)]
    if unknown:
        raise ConfigurationError(f"the environment variable {unknown[0]} is no setting of this server; correct it.")
    path = config or DEFAULT_CONFIG

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=path)

    try:
        return FromFile(**{name: value for name, value in flags.items() if value is not None})  # type: ignore[arg-type]
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.") from error
    except SettingsError as error:
        raise ConfigurationError(f"{error}; tables in the environment are written as JSON.") from error
    except ValidationError as error:
        name, problem = first_problem(error)
        raise ConfigurationError(f"the setting `{name}` is wrong: {problem}." if name else f"{problem}.") from error
