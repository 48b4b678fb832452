"""
Tell where things are and which credentials apply.

Shared data, the work folder, regions and credentials are read from the environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from sinchtools.core.errors import (
    LogError,
    MissingCredentialsError,
    UnknownRegionError,
    WrongUseError,
    told,
    told_path,
)
from sinchtools.core.files import refuse_open

# region: whether project access keys (OAuth2) work there; source: SMS API reference, README of the
# vendor's Python SDK
REGIONS = {"us": True, "eu": True, "au": False, "br": False, "ca": False}
TARGETS = ("preview", "sandbox", "dry-run", "live")
_WORK_FOLDER = "sinchtools-work"
PLAN_VARIABLES = ("SINCH_SERVICE_PLAN_ID", "SINCH_API_TOKEN")
PROJECT_VARIABLES = ("SINCH_PROJECT_ID", "SINCH_KEY_ID", "SINCH_KEY_SECRET")


class Secret:
    """
    A value that is shown nowhere: not in a repr, not in a pickle.

    `.reveal()` gives it to the one place that sends it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('*****')"

    def __reduce__(self) -> str:
        raise TypeError("A secret is not pickled or copied.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """
    One pair for one account: a service plan's API token, or a project's access key.

    Attributes
    ----------
    account
        Service plan ID or project ID.
    secret
        The API token, or the key's secret.
    key_id
        The access key's ID; None for a service plan.
    """

    account: str
    secret: Secret
    key_id: str | None = None


def credentials(environ: Mapping[str, str] = os.environ) -> Credentials:
    """
    Return the credentials that the environment holds, a service plan's before a project's.

    Raises
    ------
    MissingCredentialsError
        Neither pair is complete.
    """
    if all(environ.get(name) for name in PLAN_VARIABLES):
        plan, token = (environ[name] for name in PLAN_VARIABLES)
        return Credentials(account=plan, secret=Secret(token))
    if all(environ.get(name) for name in PROJECT_VARIABLES):
        project, key, secret = (environ[name] for name in PROJECT_VARIABLES)
        return Credentials(account=project, secret=Secret(secret), key_id=key)
    variables = (
        PROJECT_VARIABLES
        if any(environ.get(name) for name in PROJECT_VARIABLES)
        else PLAN_VARIABLES
    )
    raise MissingCredentialsError([name for name in variables if not environ.get(name)])


def base_url(region: str, *, oauth: bool = False) -> str:
    """
    Return the vendor's base URL of a region for a plan token, or for an OAuth2 token.

    Raises
    ------
    UnknownRegionError
        The region is not one of `REGIONS`.
    WrongUseError
        An OAuth2 token is of no use in that region.

    Examples
    --------
    >>> base_url("eu")
    'https://eu.sms.api.sinch.com'
    """
    if region not in REGIONS:
        raise UnknownRegionError(region, REGIONS)
    if oauth and not REGIONS[region]:
        raise WrongUseError(
            f"Project access keys (OAuth2) do not work in region {told(region)}.",
            hint="Use us or eu, or the service plan's own API token.",
        )
    return f"https://{'zt.' if oauth else ''}{region}.sms.api.sinch.com"


def allowed_target(environ: Mapping[str, str] = os.environ) -> str:
    """
    Return the furthest target that SINCHTOOLS_ALLOW switches on.

    ``sandbox`` unless it says ``dry-run`` or ``live``.
    """
    wish = environ.get("SINCHTOOLS_ALLOW", "").strip().lower()
    return wish if wish in ("dry-run", "live") else "sandbox"


def version() -> str:
    """Return the installed version of sinchtools."""
    return metadata.version("sinchtools")


def share_folder(name: str) -> Path:
    """
    Return a folder that comes with the project, in a checkout or a wheel.

    For example ``data/catalogue``, ``data/samples`` or ``notebooks``.
    """
    package = Path(__file__).parents[1]
    return next(
        (
            folder
            for base in (package.parent, package / "share")
            if (folder := base / name).is_dir()
        ),
        package / "share" / name,
    )


@lru_cache
def _absolute(folder: str) -> Path:
    """
    Return the absolute path of a folder as it was at the first call.

    A notebook may change its working directory and still stays in its work folder.
    """
    return Path(folder).absolute()


def work_folder() -> Path:
    """
    Return the work folder. It is made when missing, and only its owner can read it.

    It is SINCHTOOLS_HOME, else ``sinchtools-work`` here.

    Raises
    ------
    LogError
        It cannot be made, or others may write in it.
    """
    folder = _absolute(_work_path())
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        refuse_open(folder, is_ours=folder.name == _WORK_FOLDER)
    except OSError as error:
        raise LogError(
            f"The work folder {told_path(folder)} cannot be made: {error.strerror}.",
            hint="Set SINCHTOOLS_HOME to a folder that you may write to.",
        ) from None
    return folder


def _work_path() -> str:
    return os.environ.get("SINCHTOOLS_HOME") or _WORK_FOLDER


def solved_folder() -> Path:
    """
    Return the folder of what helped in closed cases: SINCHTOOLS_SOLVED, else in the work folder.

    A team may share it, also on a network drive. It is not made here.
    """
    given = os.environ.get("SINCHTOOLS_SOLVED")
    return _absolute(given) if given else _absolute(_work_path()) / "solved"
