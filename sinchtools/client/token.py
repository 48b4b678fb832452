"""What goes behind `Bearer`: a plan's API token, or an OAuth2 access token that is renewed."""

from __future__ import annotations

from sinchtools.api.description import locate
from sinchtools.client.recording import failure_of
from sinchtools.client.sending import new_session
from sinchtools.core import settings
from sinchtools.core.errors import WrongUseError

AUTH_URL = "https://auth.sinch.com/oauth2/token"


class Token:
    """A service plan's API token: one value, never renewed."""

    def __init__(self, value: str) -> None:
        self._secret = settings.Secret(value)

    def value(self) -> str:
        """Return what follows ``Bearer``."""
        return self._secret.reveal()

    def renew(self) -> bool:
        """Get a new value; False when there is none to get."""
        return False


class AccessToken(Token):
    """An OAuth2 access token, fetched on first use, renewed when the API says that it expired."""

    def __init__(self, credentials: settings.Credentials, url: str = AUTH_URL) -> None:
        super().__init__("")
        self._credentials, self._url = credentials, url

    def value(self) -> str:
        """Return the token, fetched from the token endpoint on first use."""
        if not self._secret.reveal():
            self.renew()
        return self._secret.reveal()

    def renew(self) -> bool:
        """Fetch a new token with the project's access key."""
        found, said = self._fetched()
        if not found:  # raised here, where no exception that holds the request is its context
            raise WrongUseError(
                f"The token endpoint gave no token: {said}.",
                hint="Check key ID, key secret, project and network.",
            )
        self._secret = settings.Secret(found)
        return True

    def _fetched(self) -> tuple[str, str]:
        import requests

        pair = (self._credentials.key_id or "", self._credentials.secret.reveal())
        try:
            with new_session(loopback=locate(self._url).kind == "loopback") as auth:
                response = auth.post(
                    self._url,
                    data={"grant_type": "client_credentials"},
                    auth=pair,
                    timeout=30,
                    allow_redirects=False,
                )
            return str(
                response.json()["access_token"]
            ) if response.ok else "", f"it returned HTTP {response.status_code}"
        except requests.RequestException as error:
            return "", failure_of(error)
        except (KeyError, TypeError):
            return "", "its response contains none"
