"""Regions, credentials and folders: what the environment says, and what it must not give away."""

from __future__ import annotations

import copy
import pickle
import stat
from pathlib import Path
from typing import Any

import pytest

from sinchtools.core.errors import (
    LogError,
    MissingCredentialsError,
    UnknownRegionError,
    WrongUseError,
)
from sinchtools.core.settings import (
    Secret,
    allowed_target,
    base_url,
    credentials,
    share_folder,
    work_folder,
)

PLAN = {"SINCH_SERVICE_PLAN_ID": "plan", "SINCH_API_TOKEN": "secret-token-1"}
PROJECT = {"SINCH_PROJECT_ID": "project", "SINCH_KEY_ID": "key", "SINCH_KEY_SECRET": "secret-key-1"}


@pytest.mark.parametrize(
    ("environment", "account", "key"),
    [(PLAN, "plan", None), (PROJECT, "project", "key"), ({**PLAN, **PROJECT}, "plan", None)],
)
def test_credentials_come_as_a_pair(environment: Any, account: str, key: str | None) -> None:
    found = credentials(environment)
    assert (found.account, found.key_id) == (account, key)
    assert "secret-" not in repr(found)


@pytest.mark.parametrize(
    ("environment", "missing"),
    [
        ({}, "SINCH_SERVICE_PLAN_ID, SINCH_API_TOKEN"),
        ({"SINCH_API_TOKEN": "t"}, "SINCH_SERVICE_PLAN_ID not"),
        ({"SINCH_KEY_ID": "k"}, "SINCH_PROJECT_ID, SINCH_KEY_SECRET"),
    ],
)
def test_half_a_pair_is_named(environment: Any, missing: str) -> None:
    with pytest.raises(MissingCredentialsError, match=missing):
        credentials(environment)


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_is_not_pickled_or_copied(take: Any) -> None:
    with pytest.raises(TypeError):
        take(Secret("value"))


@pytest.mark.parametrize(
    ("region", "oauth", "url"),
    [
        ("us", False, "https://us.sms.api.sinch.com"),
        ("eu", True, "https://zt.eu.sms.api.sinch.com"),
    ],
)
def test_a_region_has_a_base_url_for_each_kind_of_credential(
    region: str, oauth: bool, url: str
) -> None:
    assert base_url(region, oauth=oauth) == url


def test_a_misspelt_region_gets_a_suggestion() -> None:
    with pytest.raises(UnknownRegionError, match="Did you mean 'eu'"):
        base_url("eu1")


@pytest.mark.parametrize("region", ["au", "br", "ca"])
def test_access_keys_are_refused_where_they_do_not_work(region: str) -> None:
    with pytest.raises(WrongUseError, match="us or eu"):
        base_url(region, oauth=True)


@pytest.mark.parametrize(
    ("value", "rung"),
    [
        (None, "sandbox"),
        ("", "sandbox"),
        ("yes", "sandbox"),
        ("live", "live"),
        (" Dry-Run ", "dry-run"),
        ("preview", "sandbox"),
    ],
)
def test_only_the_two_words_switch_anything_on(value: str | None, rung: str) -> None:
    assert allowed_target({} if value is None else {"SINCHTOOLS_ALLOW": value}) == rung


def test_the_work_folder_is_its_owners_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SINCHTOOLS_HOME", str(tmp_path / "new" / "home"))
    assert stat.S_IMODE(work_folder().stat().st_mode) == 0o700


def test_a_work_folder_that_cannot_be_made_is_a_clear_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SINCHTOOLS_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(LogError, match="Set SINCHTOOLS_HOME"):
        work_folder()


@pytest.mark.parametrize("name", ["data/catalogue", "data/samples", "notebooks"])
def test_what_comes_with_the_project_is_found(name: str) -> None:
    assert any(share_folder(name).iterdir())
