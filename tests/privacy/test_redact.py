"""Secrets go where data enters; the facts that diagnosis needs stay."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinchtools.core.placeholders import is_placeholder
from sinchtools.core.records import Exchange
from sinchtools.privacy.markers import marker_facts
from sinchtools.privacy.redaction import Redactor
from tests.support.present import present

CANARY = "c4n4ryS3cr3t" * 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"password": "abc"}', '{"password": "[secret opaque 3 #1]"}'),
        ('{"password": "a\\"b", "x": 1}', '{"password": "[secret opaque 4 #1]", "x": 1}'),
        ('{"api_key": 1234, "x": 1}', '{"api_key": "[secret opaque 4 #1]", "x": 1}'),
        (
            '{"a": "{\\"token\\": \\"abc\\", \\"b\\": 1}"}',
            '{"a": "{\\"token\\": \\"[secret opaque 3 #1]\\", \\"b\\": 1}"}',
        ),
        ("a=1&client_secret=x,y;z&b=2", "a=1&client_secret=[secret opaque 5 #1]&b=2"),
        (
            "Authorization: Bearer abcdef12345 rest",
            "Authorization: Bearer [secret opaque 11 #1] rest",
        ),
        ("{'Authorization': 'Basic abc'}", "{'Authorization': 'Basic [secret opaque 3 #1]'}"),
        ("https://u:p@host/x", "https://[secret pair 3 #1]@host/x"),
        ("<password>abc</password>", "<password>[secret opaque 3 #1]</password>"),
        ('{"key": "token", "value": "abcd"}', '{"key": "token", "value": "[secret opaque 4 #1]"}'),
        (
            'name="password"\r\n\r\na b\r\n--x',
            'name="password"\r\n\r\n[secret opaque 3 #1 inner-space]\r\n--x',
        ),
        ("see eyJhbGciOi.eyJleHAi.sig.", "see [secret jwt 23 #1]."),
        ('{"token": "cut off', '{"token": "[secret opaque 7 #1 inner-space]'),
        ('os.environ["API_TOKEN"] = "abc"', 'os.environ["API_TOKEN"] = "[secret opaque 3 #1]"'),
        ("[token] => abc", "[token] => [secret opaque 3 #1]"),
        ("curl -u plan:abcdef https://x", "curl -u [secret pair 11 #1] https://x"),
        ("curl --user 'plan:abcdef' https://x", "curl --user '[secret pair 11 #1]' https://x"),
        ('auth=("key", "abc")', 'auth=("key", "[secret opaque 3 #1]")'),
        ("auth=HTTPBasicAuth('key','abc')", "auth=HTTPBasicAuth('key','[secret opaque 3 #1]')"),
        ('"Bearer " "abcdef12345"', '"Bearer " "[secret opaque 11 #1]"'),
        ("'Bearer ' + 'abcdef12345'", "'Bearer ' + '[secret opaque 11 #1]'"),
        ("| token | abcdef12345 |", "| token | [secret opaque 11 #1] |"),
        ("| `token` | `abcdef12345` |", "| `token` | `[secret opaque 11 #1]` |"),
        ("token 5e1f0a9b3d2f4e68 is not valid", "token [secret opaque 16 #1] is not valid"),
        ("Invalid API key 5e1f0a9b3d2f4e68-x_y.", "Invalid API key [secret opaque 20 #1]."),
        ("X-Bearer: abc", "X-Bearer: [secret opaque 3 #1]"),
        ("X-Cookie: abc", "X-Cookie: [secret opaque 3 #1]"),
        ("https://x/y?key=abc&b=1", "https://x/y?key=[secret opaque 3 #1]&b=1"),
        ("https://x/y?a=1&sid=abc", "https://x/y?a=1&sid=[secret opaque 3 #1]"),
        (
            "https://x/y?pw=abc&hmac=def",
            "https://x/y?pw=[secret opaque 3 #1]&hmac=[secret opaque 3 #2]",
        ),
        (
            '{"pw": "abc", "bearer": "def"}',
            '{"pw": "[secret opaque 3 #1]", "bearer": "[secret opaque 3 #2]"}',
        ),
        ('{"a": "{\\"pw\\": \\"abc\\"}"}', '{"a": "{\\"pw\\": \\"[secret opaque 3 #1]\\"}"}'),
        ('{"secretKey": ["abc"]}', '{"secretKey": ["[secret opaque 3 #1]"]}'),
        (
            '{"secretKey": [ "abc",\n"def" ], "x": 1}',
            '{"secretKey": [ "[secret opaque 10 #1 inner-space]" ], "x": 1}',
        ),
        (
            "https://hooks.slack.com/services/T0A/B0B/abcDEF12",
            "https://hooks.slack.com/services/[secret opaque 16 #1]",
        ),
        (
            "https://discord.com/api/webhooks/123456789012/abcDEF12",
            "https://discord.com/api/webhooks/123456789012/[secret opaque 8 #1]",
        ),
        ("access_token%3Dabc", "access_token%3D[secret opaque 3 #1]"),
    ],
)
def test_a_secret_in_a_text_becomes_a_marker(text: str, expected: str) -> None:
    assert Redactor().text(text) == expected


SPELLINGS = [
    "Token '{}' is invalid",
    'Token "{}" is invalid',
    "token `{}` expired",
    "token “{}” expired",
    "the token is {}",
    "the token is: {}",
    "my API token was {} yesterday",
    "the token was '{}'",
    "The token ({}) was refused",
    "API key ({}) not accepted",
    "Token <{}> is invalid",
    "Token [{}] is invalid",
    "token is {}.",
    "my token, {}, fails",
    "here is the token\n{}\n",
    "token of {}",
    "token -> {}",
    "token → {}",
    "Authorization header {}",
    "Token {} is unknown",
    "--token {}",
    "setx API_TOKEN {}",
    'Headers.Add("X-Api-Key", "{}")',
    "headers.set('X-Api-Key', '{}')",
    'setRequestHeader("Authorization", "Bearer {}")',
    "('Authorization', '{}')",
    '["Authorization", "{}"]',
    "[('X-Api-Key','{}')]",
    "define('API_TOKEN', '{}')",
    'put(\\"X-Auth-Token\\", \\"{}\\")',
    "setenv('API_TOKEN', '{}')",
    "(b'Authorization', b'{}')",
    'addHeader("Cookie", "session={}; path=/")',
    'setToken("{}")',
    "Token('{}')",
    "with_token({})",
    "{{'X-Api-Key': b'{}'}}",
    "{{'X-Api-Key': f\"{}\"}}",
    "{{b'authorization': b'{}'}}",
    "token=b'{}'",
    'Token = @"{}"',
    "client_assertion={}&x=1",
    "client_assertion: {}",
    "a=1&user_assertion={}",
    "token_value = {}",
    "tokenValue: '{}'",
    "MY_TOKEN_PROD={}",
    "export SINCH_TOKEN_STAGING='{}'",
    "API_KEY_2={}",
    "TOKEN1={}",
    "auth_token_live: {}",
    "id_token_hint={}",
    "X-Amz-Signature={}",
    '"tokens": ["{}"]',
    '{{"tokens":["a","{}"]}}',
    "tokens = ['{}', 'y']",
    "refreshTokens: [b'{}']",
    "apiKeys: '{}'",
    "https://{}@host/x",
    "http://{}@us.sms.api.sinch.com/xms",
    "git clone https://{}@github.com/a/b",
    "credentials=('plan', '{}')",
    "-----BEGIN PRIVATE KEY-----\n{}\nabc\n-----END PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\\n{}\\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n{}",
    '"-----BEGIN EC PRIVATE KEY-----{}"',
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\r\n{}\r\n-----END",
]


@pytest.mark.parametrize("value", ["5e1f0a9b3d2f4e68a1b2c3d4e5f60718", "Zk9-qW_3rTy7uIoP.x2"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_is_found_as_people_and_programs_write_it(spelling: str, value: str) -> None:
    assert value not in Redactor().text(spelling.format(value))


@pytest.mark.parametrize(
    "text",
    [
        "the token is invalid",
        "Token expired",
        "token bucket is full",
        "the token for batch 01FC66621XXXXX119Z8PMV1QPQ",
        "Invalid token, batch 01FC66621XXXXX119Z8PMV1QPQ failed",
        "Token is valid until 2026-11-23T08:00:00Z",
        "token is 32 characters long",
        "https://us.sms.api.sinch.com/xms/v1/5e1f0a9b3d2f4e68a1b2c3d4e5f60718/batches",
        "tokens: 4096",
        "max_tokens=4096",
        '"tokens": ["Hi", "there"]',
        '["token", "expires_in"]',
        "('Authorization', 'Content-Type')",
        "Unexpected token 'a1b2c3d4e5' in JSON at position 3",
        "Unrecognized token 'a1b2c3d4': was expecting",
        "?to=46701740605&to=46701740606",
        "?tag=a1b2c3d4e5&tag=b1b2c3d4e5",
        "token (RFC 6750)",
        "Password is too short",
        "secret (see section 4.2.1 of the guide)",
        "token\n2026-11-23T08:00:00Z POST",
        "token from us.sms.api.sinch.com/xms/v1",
        "the token https://auth.sinch.com/oauth2/token",
        "Token 'access_token' missing",
        "https://anna@host/x",
        "https://46701740605@host",
        "monkey is 5e1f0a9b3d2f4e68a1b2c3d4e5f60718",
        "Authorization header is missing",
        "token_type=bearer&token_test=true",
        "API key is 46701740605",
        "key (batch_id) is 01FC66621XXXXX119Z8PMV1QPQ",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0B\n-----END PUBLIC KEY-----",
        "basic authentication failed",
        '{"token": null, "key": 1}',
        "the token is missing",
        "a@b.com http://x/y",
        '{"key": "value"}',
        '{"token_type": "bearer"}',
        "password=[secret opaque 3 #1]",
        '{"password": "{{password}}"}',
        "token: $TOKEN",
        "monkey: 3",
        "| token | expires |",
        "| token | what it is for, since 2024 |",
        "[token]: https://x/y",
        "a token | 1234567890",
        "curl -u $USER:$PASSWORD",
        "en-us: abcdef12",
        "-u https://x.example:8080",
        "get(u, auth=(user, password))",
        '"Bearer " + token',
        "docker run -u 1000:1000",
        '{"code": "abc", "key": "abc", "sid": "abc"}',
        "key=abc",
        "?code=abc",
        "x? a&key=abc",
        "batch 01234567-89ab-cdef-0123-456789abcdef",
        "the token internationalization",
        "token 2026-11-23",
        "the tokens 5e1f0a9b3d2f4e68",
        '{"password": ["Must have 8 characters."]}',
        "inside=1",
        "https://x/webhooks/callback-of-mine",
        '"access-control-allow-credentials": "true"',
        "access-control-allow-credentials: include",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    redactor = Redactor()
    assert redactor.text(text) == text
    assert not redactor.removed


@pytest.mark.parametrize(
    ("value", "facts"),
    [
        ("abc", {"kind": "opaque", "length": "3"}),
        ("'abc'", {"kind": "opaque", "length": "3", "quoted": ""}),
        ("abc \n", {"kind": "opaque", "length": "3", "trailing-newline": ""}),
        (" a b", {"kind": "opaque", "length": "3", "leading-space": "", "inner-space": ""}),
        (base64.b64encode(b"id:secret").decode(), {"kind": "pair", "length": "12"}),
        (
            "eyJhbGciOiJub25lIn0."
            + base64.urlsafe_b64encode(b'{"exp":1718438400,"iss":"https://auth \\"x\\""}')
            .decode()
            .rstrip("=")
            + ".x",
            {
                "kind": "jwt",
                "length": "82",
                "expires": "2024-06-15T08:00:00Z",
                "issuer": "https://authx",
            },
        ),
    ],
)
def test_a_marker_keeps_the_facts(value: Any, facts: Any) -> None:
    found = present(
        marker_facts(
            Redactor().headers(
                {"Authorization": f"Bearer {value}" if value[0] != " " else f"Bearer{value}"}
            )["Authorization"]
        )
    )
    assert {
        name: fact
        for name, fact in found.items()
        if name != "number" and (name != "leading-space" or name in facts)
    } | ({"leading-space": ""} if "leading-space" in facts else {}) == facts


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{token}", True),
        ("{{bearerToken}}", True),
        ("YOUR_API_TOKEN", True),
        ("<YOUR_TOKEN_HERE>", True),
        ("$TOKEN", True),
        ("${x}", True),
        ("***", True),
        ("", True),
        ("{5c1e9a7b3d2f4e68}", False),
        ("<5c1e9a7b3d2f4e68>", False),
        ("mySecret123", False),
        ("$ecret123", False),
        ("password", False),
        ("5c1e", False),
    ],
)
def test_a_placeholder_is_told_from_a_secret_in_brackets(value: str, expected: bool) -> None:
    assert is_placeholder(value) is expected


BODY = f'{{"token": "{CANARY}", "to": "å"}}'
ENCODINGS = [
    "utf-8",
    "latin-1",
    *(f"utf-{bits}{order}" for bits in (16, 32) for order in ("", "-le", "-be")),
]


@pytest.mark.parametrize("rest", [b"", b"x"], ids=["whole", "with-an-odd-byte"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_body_of_bytes_loses_its_secret_in_any_encoding_and_keeps_the_rest(
    encoding: str, rest: bytes
) -> None:
    marked = Redactor().body(BODY.encode(encoding) + rest)
    assert (
        marked == BODY.replace(CANARY, f"[secret opaque {len(CANARY)} #1]").encode(encoding) + rest
    )


@pytest.mark.parametrize(
    "body", [b"\0\0\0\x01\x02", b"\xff\xfe\x00", b"\x89PNG\0\0\0\rIHDR", b"\xff\xfe\0\0\0", b"\xff"]
)
def test_bytes_without_a_secret_stay(body: bytes) -> None:
    assert Redactor().body(body) == body


def test_the_same_secret_has_the_same_number_within_one_reading_and_is_counted() -> None:
    redactor = Redactor()
    redactor.headers({"Authorization": "Bearer abc", "X-Api-Key": "def"})
    assert redactor.text("token=abc") == "token=[secret opaque 3 #1]"
    assert dict(redactor.removed) == {
        "header Authorization": 1,
        "header X-Api-Key": 1,
        "text token": 1,
    }


def test_cookies_keep_their_names_and_attributes() -> None:
    headers = Redactor().headers(
        {
            "Cookie": "a=1; b=2",
            "Set-Cookie": "s=1; Path=/; Expires=Wed, 09 Jun 2021 10:18:14 GMT, t=2; Secure",
        }
    )
    assert headers["Cookie"] == "a=[secret opaque 1 #1]; b=[secret opaque 1 #2]"
    assert (
        headers["Set-Cookie"]
        == "s=[secret opaque 1 #1]; Path=/; Expires=Wed, 09 Jun 2021 10:18:14 GMT, t=[secret "
        "opaque 1 #2]; Secure"
    )


@pytest.mark.parametrize(
    "name",
    [
        "X-Sig",
        "X-Bearer",
        "X-Cookie",
        "X-CSRF",
        "X-XSRF-Check",
        "X-Hub-Signature-256",
        "X-Vault-Secret-Id",
        "X-Request-HMAC",
    ],
)
def test_a_header_is_secret_by_its_name(name: str) -> None:
    assert Redactor().headers({name: "abc"}) == {name: "[secret opaque 3 #1]"}


TOKEN = "5e1f0a9b3d2f4e68a1b2c3d4e5f60718"
BASIC = base64.b64encode(f"plan1:{TOKEN}".encode()).decode()


@pytest.mark.parametrize("scheme", [f"Bearer {TOKEN}", f"Basic {BASIC}", f"'{TOKEN}'"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("response_body", f'{{"text":"Unknown value {TOKEN} for plan p1"}}'),
        ("response_body", b"\xff " + TOKEN.encode()),
        ("response_headers", {"X-Said": f"no {TOKEN}"}),
        ("text", f"no {TOKEN}"),
        ("url", f"https://us.sms.api.sinch.com/xms/v1/{TOKEN}/batches"),
        ("request_body", f'{{"note": "{TOKEN}"}}'),
        ("source", f"{TOKEN}.har"),
    ],
)
def test_a_secret_that_stands_once_more_is_marked_there_too(
    field: str, value: Any, scheme: str
) -> None:
    redactor = Redactor()
    marked = redactor.exchange(
        Exchange(request_headers={"Authorization": scheme}, **{field: value})
    )
    assert TOKEN not in repr(marked)
    assert redactor.removed["echo"] == 1
    assert redactor._local.met is None


@pytest.mark.parametrize(
    "value",
    [
        "required",
        "invalid_token",
        "20261123",
        "46701740605",
        "hunter2",
        "2026-11-23T08:00:00Z",
        "https://x.example/v1",
    ],
)
def test_a_word_a_number_or_a_date_that_was_marked_is_not_looked_for(value: str) -> None:
    exchange = Exchange(request_headers={"X-Api-Key": value}, text=f"it is {value}, says x")
    assert Redactor().exchange(exchange).text == exchange.text


def test_a_secret_with_half_a_character_is_marked() -> None:
    assert "9b3d" not in str(
        Redactor().exchange(Exchange(text="token=5e1f0a9b3d\ud800, token: x")).text
    )


def test_what_a_browser_may_do_is_no_secret() -> None:
    headers = {
        "Access-Control-Allow-Credentials": "true",
        "access-control-expose-headers": "X-Token",
    }
    assert Redactor().headers(headers) == headers


JSON = st.recursive(
    st.text(max_size=8) | st.integers() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        "token",
        "access_token",
        "clientSecret",
        "PASSWORD",
        "x-api-key",
        "api_key",
        "Authorization",
        "jwt",
        "db_passwd",
    ]
)


@given(JSON, NAMES, st.integers(0, 3))
def test_a_planted_secret_never_survives_and_json_stays_json(
    document: Any, name: Any, depth: Any
) -> None:
    text = json.dumps({"before": document, name: CANARY, "after": document})
    for _ in range(depth):
        text = json.dumps({"inner": text, "n": document})
    marked = Redactor().text(text)
    assert CANARY not in marked
    json.loads(marked)


@given(
    st.text(),
    NAMES,
    st.sampled_from(
        [
            "{n}={v}",
            "{n}: {v}",
            '"{n}":"{v}"',
            "?a=1&{n}={v}&b",
            "'{n}': '{v}'",
            "Bearer {v}",
            "https://u:{v}@h/",
            "<{n}>{v}</{n}>",
        ]
    ),
)
def test_a_planted_secret_never_survives_between_any_text(
    around: Any, name: Any, shape: Any
) -> None:
    assert CANARY not in Redactor().text(f"{around} {shape.format(n=name, v=CANARY)} {around}")
