"""Settings: read once, and a missing one is named when it is used."""

from __future__ import annotations

import pytest

from tests.template import TEMPLATE, of_type
from tidemark.settings import Settings, SettingsError, settings

NAMES = [name for name, value in vars(Settings).items() if isinstance(value, property)]


def test_every_setting_is_a_variable_that_the_template_sets() -> None:
    functions = [TEMPLATE["Globals"]["Function"], *of_type("AWS::Serverless::Function").values()]
    declared = {name for function in functions for name in function.get("Environment", {}).get("Variables", {})}
    assert {name.upper() for name in NAMES} <= declared


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=name.upper()):
        getattr(Settings({}), name)


@pytest.mark.parametrize("value", ["x", "0", "-1", "1.5", "٣"])
def test_days_of_retention_that_are_no_number_of_days_are_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="RETENTION_DAYS"):
        _ = Settings({"RETENTION_DAYS": value}).retention_days


def test_the_environment_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    settings.cache_clear()
    monkeypatch.setenv("EVENTS_TABLE", "first")
    assert settings().events_table == "first"
    monkeypatch.setenv("EVENTS_TABLE", "second")
    assert settings().events_table == "first"
    settings.cache_clear()


@pytest.mark.parametrize("value", ["1", "1,2,3", "cheap,dear", "1;2"])
def test_prices_that_are_not_two_are_refused(value: str) -> None:
    assert Settings({"BEDROCK_PRICES": "0.06,0.24"}).bedrock_prices == (0.06, 0.24)
    with pytest.raises(SettingsError, match="BEDROCK_PRICES"):
        _ = Settings({"BEDROCK_PRICES": value}).bedrock_prices
