"""A client of a sandbox that a test runs itself; `st.connect` takes the shared one."""

from sinchtools.client.client import Client
from sinchtools.client.log import CallLog
from sinchtools.client.token import Token
from sinchtools.sandbox import Sandbox


def client_of(sandbox: Sandbox, log: CallLog) -> Client:
    """Return a client with the sandbox's own token, which writes to a log."""
    return Client(
        base_url=sandbox.url,
        account=sandbox.service_plan_id,
        token=Token(sandbox.api_token),
        log=log,
        target="sandbox",
        sandbox=sandbox,
    )
