"""The table of settings: file, environment, flags."""

from pathlib import Path

import pytest

from dragoman.core.errors import ConfigurationError
from dragoman.ops.settings import StepSettings, load_settings


def test_defaults_serve_the_model_in_the_box_on_loopback() -> None:
    """Nothing must be configured."""
    settings = load_settings()

    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.engines["starter"].kind == "ctranslate2"
    assert [[step.name for step in alias.engine] for alias in settings.aliases.values()] == [["starter"]] * 4
    assert (settings.default_target, settings.default_target_alternative) == ("en", "zh")


def test_flags_win_over_environment_and_environment_over_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a file in the working directory is read without being named."""
    (tmp_path / "dragoman.toml").write_text('port = 1\nhost = "localhost"\nmax_input_chars = 7\n')
    monkeypatch.setenv("DRAGOMAN_PORT", "2")
    monkeypatch.setenv("DRAGOMAN_HOST", "::1")

    settings = load_settings(port=3, host=None)

    assert (settings.port, settings.host, settings.max_input_chars) == (3, "::1", 7)


def test_engines_and_aliases_come_from_tables(tmp_path: Path) -> None:
    """An alias names an engine or gets the default one; options are the engine's own."""
    path = tmp_path / "other.toml"
    path.write_text(
        'default_engine = "opus"\n[engines.opus]\nkind = "ctranslate2"\nmodel = "/models/opus"\n'
        '[aliases.mine]\nengine = "starter"\nstream = "cumulative"\n[aliases."*"]\n'
    )

    settings = load_settings(path)

    assert settings.engines["opus"].options == {"model": "/models/opus"}
    assert settings.aliases["mine"].engine == [StepSettings(name="starter")]
    assert settings.aliases["*"].engine == settings.aliases["qwen-mt-turbo"].engine == [StepSettings(name="opus")]


def test_routes_name_what_an_engine_is_asked_for(tmp_path: Path) -> None:
    """Pairs in any spelling, with a star for all; domains and a budget; names and tables may mix."""
    path = tmp_path / "routes.toml"
    path.write_text(
        '[aliases.mine]\nengine = [{ name = "starter", pairs = ["zh-CN-English", "*-French"], domains = ["law"], '
        'budget_seconds = 2 }, "starter"]\n'
    )

    first, second = load_settings(path).aliases["mine"].engine

    assert first.pairs == ["zh-en", "*-fr"]
    assert (first.takes("zh", "en"), first.takes("de", "fr"), first.takes("en", "zh")) == (True, True, False)
    assert second == StepSettings(name="starter")
    for wrong in ("zh", "zh-", "xx-en"):
        path.write_text(f'[aliases.mine]\nengine = [{{ name = "starter", pairs = ["{wrong}"] }}]\n')
        with pytest.raises(ConfigurationError, match="pairs"):
            load_settings(path)


def test_lists_in_the_environment_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are JSON there."""
    monkeypatch.setenv("DRAGOMAN_API_KEYS", "a, b,,")
    monkeypatch.setenv("DRAGOMAN_ALIASES", '{"x": {"stream_tokens": true}}')

    settings = load_settings()

    assert settings.all_api_keys() == ["a", "b"]
    assert settings.aliases["x"].stream_tokens


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("port = 99999", "the setting `port` is wrong"),
        ('port = "x"', "the setting `port` is wrong"),
        ("prot = 1", "the setting `prot` is wrong: there is no such key"),
        ("port =", "is not valid TOML"),
        ('default_target = "Klingon"', "`default_target` is wrong"),
        ('log_level = "loud"', "`log_level` is wrong"),
        ('[aliases.x]\nengine = "nope"', "alias 'x' names the engine 'nope', but there are only: starter"),
        ("[aliases.x]\nstream_token = true", "`aliases.x.stream_token` is wrong"),
        ("[engines.x]\nmodel = 1", "`engines.x.kind` is wrong"),
        ('default_engine = "x"', "`default_engine` is 'x', but there are only: starter"),
        ('cors_origin_regex = "("', "`cors_origin_regex` is wrong: not a regular expression"),
    ],
)
def test_wrong_setting_is_named_in_one_sentence(tmp_path: Path, toml: str, expected: str) -> None:
    """Whatever is wrong with it."""
    (tmp_path / "dragoman.toml").write_text(toml)

    with pytest.raises(ConfigurationError) as refused:
        load_settings()

    assert expected in refused.value.message
    assert "\n" not in refused.value.message


def test_broken_table_in_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the form that it needs."""
    monkeypatch.setenv("DRAGOMAN_ALIASES", "{")

    with pytest.raises(ConfigurationError, match="aliases.*JSON"):
        load_settings()


def test_unknown_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip in the environment is no quieter than one in the file."""
    monkeypatch.setenv("DRAGOMAN_PROT", "1")

    with pytest.raises(ConfigurationError, match="DRAGOMAN_PROT is no setting"):
        load_settings()


def test_missing_files_are_named(tmp_path: Path) -> None:
    """A configuration that was asked for, and a file of keys."""
    with pytest.raises(ConfigurationError, match="nowhere.toml does not exist"):
        load_settings(tmp_path / "nowhere.toml")
    with pytest.raises(ConfigurationError, match="`api_keys_file` .*nokeys cannot be read"):
        load_settings(api_keys_file=tmp_path / "nokeys").all_api_keys()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.com"])
def test_without_keys_only_loopback_is_served(host: str) -> None:
    """Unless told explicitly."""
    with pytest.raises(ConfigurationError, match="refusing to listen on .* without API keys"):
        load_settings(host=host).check_exposure()

    load_settings(host=host, api_keys="k").check_exposure()
    load_settings(host=host, allow_unauthenticated=True).check_exposure()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_no_keys(host: str) -> None:
    """By any of its names."""
    load_settings(host=host).check_exposure()
