"""curl commands of every shell, as people paste them."""

from typing import Any

import pytest

from sinchtools.evidence import read
from tests.support.present import parsed, present

URL = "https://us.sms.api.sinch.com/xms/v1/plan/batches"
BODY = '{"to": ["+15551230001"], "body": "Hi"}'
JSON_HEADER = "-H 'Content-Type: application/json'"
SENT = ("POST", URL, BODY, "application/json")


def sent(text: Any, **options: Any) -> tuple[Any, Any, Any, Any]:
    exchange = read(text + "\n", **options)[0]
    return (
        exchange.method,
        exchange.url,
        exchange.request_body,
        exchange.request_headers.get("Content-Type"),
    )


@pytest.mark.parametrize(
    "command",
    [
        f"curl {URL} {JSON_HEADER} -d '{BODY}'",
        f"curl -sSLX POST {URL} {JSON_HEADER} --data='{BODY}'",
        f"curl -XPOST --url={URL} {JSON_HEADER} --data-raw '{BODY}'",
        f"curl --request POST \\\n  --url '{URL}' \\\n  {JSON_HEADER} \\\n  --data '{BODY}'",
        f"curl {URL} \\  \n {JSON_HEADER} \\\n -d '{BODY}' \\",
        f"curl {URL}\n {JSON_HEADER}\n -d '{BODY}'",
        f'curl {URL} {JSON_HEADER} -d $\'{{"to": ["+15551230001"], \\x22body\\u0022: "Hi"}}\'',
        "curl "
        + URL
        + " "
        + JSON_HEADER
        + ' -d "{\\"to\\": [\\"+15551230001\\"], \\"body\\": \\"Hi\\"}"',
        f"curl {URL} {JSON_HEADER} -d @- <<'EOF' > out.txt 2>&1\n{BODY}\nEOF",
        f'curl {URL} {JSON_HEADER} -d "$(cat <<EOF\n{BODY}\nEOF\n)"',
        f"echo '{BODY}' | curl {URL} {JSON_HEADER} -d @-",
        f'DATA=\'{BODY}\'\nurl={URL}\ncurl "$url" {JSON_HEADER} -d "${{DATA}}"',
        f"$ curl {URL} {JSON_HEADER} -d '{BODY}' | jq .",
        f"user@host:~$ curl {URL} {JSON_HEADER} -d '{BODY}'; echo done",
        f"# our request\n```bash\ncurl {URL} {JSON_HEADER} -d '{BODY}'\n```",
        f"> Hello,\n> we run\n>\n> curl {URL} \\\n>   {JSON_HEADER} \\\n>   -d '{BODY}'",
        f"curl {URL} —header 'Content-Type: application/json' –d '{BODY}'".replace("–d", "-d"),
        f"curl “{URL}” -H ‘Content-Type: application/json’ -d '{BODY}'",
        f"curl\u00a0{URL}\u00a0{JSON_HEADER}\u00a0-d '{BODY}'",
        f"curl {URL} -d '{BODY}' -H 'Content-Type: application/json' --compressed -k "
        f"--no-such-option",
        'curl ^"'
        + URL
        + '^" ^\n  -H ^"Content-Type: application/json^" ^\n  --data-raw ^"'
        + BODY.replace('"', '^\\^"')
        + '^"',
        'C:\\Users\\me>curl.exe "'
        + URL
        + '" ^\r\n -H "Content-Type: application/json" -d "'
        + BODY.replace('"', '\\"')
        + '"',
        'curl "'
        + URL
        + '" ^\n -H "Content-Type: application/json" -d "'
        + BODY.replace('"', '""')
        + '"',
        'D:\\sms>curl "'
        + URL
        + '" ^\nMore? -H "Content-Type: application/json" ^\nMore? -d "'
        + BODY.replace('"', '\\"')
        + '"',
        f"gw2# curl {URL} {JSON_HEADER} \\\ncmdand> -d @- <<X\nheredoc> {BODY}\nheredoc> X",
        f"➜  sms git:(dev) ✗ curl {URL} {JSON_HEADER} -d '{BODY}'",
        f"podman exec -it web bash -lc 'curl {URL} -d \""
        + BODY.replace('"', '\\"')
        + '" -H "Content-Type: application/json"\'',
        f"docker run --rm acme/curl:8 {URL} {JSON_HEADER} -d '{BODY}'",
        f"set -x text '{BODY}'\ncurl {URL} {JSON_HEADER} -d $text",
        f"curl.exe -X POST \"{URL}\" `\n  {JSON_HEADER} `\n  --data-raw '{BODY}'",
        f"Invoke-RestMethod -Method Post -Uri {URL} -ContentType 'application/json' -Body '{BODY}'",
        f'Invoke-WebRequest -Uri "{URL}" `\n-Method "POST" `\n-Headers '
        f'@{{\n"Content-Type"="application/json"\n}} `'
        '\n-Body "' + BODY.replace('"', '`"') + '"',
        f"$headers = New-Object "
        f'"System.Collections.Generic.Dictionary[[String],[String]]"\n$headers.Add("Content-Type'
        f'", "application/json")\n'
        f"$body = @\"\n{BODY}\n\"@\n$response = Invoke-RestMethod '{URL}' -Method 'POST' "
        f"-Headers $headers -Body $body\n$response | ConvertTo-Json",
        f"PS C:\\> $p = @{{ Uri = '{URL}'; Method = 'Post'; ContentType = 'application/json'; "
        f"Body = '{BODY}' }}\n"
        "PS C:\\> Invoke-RestMethod @p",
    ],
)
def test_every_way_to_write_it_gives_the_same_request(command: str) -> None:
    assert sent(command) == SENT


@pytest.mark.parametrize(
    ("arguments", "method", "body"),
    [
        ("", "GET", None),
        ("-I", "HEAD", None),
        ("-d a=1 -d b=2", "POST", "a=1&b=2"),
        (
            "-d a=1 --data-urlencode 'b=x y&z' --data-urlencode '=p+q'",
            "POST",
            "a=1&b=x+y%26z&p%2Bq",
        ),
        ("--json '{\"a\":' --json '1}'", "POST", '{"a":1}'),
        ("-XGET -XPUT -d x", "PUT", "x"),
        ("-d ''", "POST", ""),
        ("-d 'a\"b'\"'\"'c'", "POST", "a\"b'c"),
        ("-d a\\ b", "POST", "a b"),
        ('-d "a\\$b\\`c\\\\d\\e"', "POST", "a$b`c\\d\\e"),
    ],
)
def test_options_mean_what_curl_does(arguments: str, method: str, body: str | None) -> None:
    exchange = read(f"curl {URL} {arguments}\n")[0]
    assert (exchange.method, exchange.request_body) == (method, body)


@pytest.mark.parametrize(
    ("arguments", "header", "value"),
    [
        ("-d x", "Content-Type", "application/x-www-form-urlencoded"),
        ("-d x -H 'Content-Type:'", "Content-Type", None),
        ("-H 'X-Empty;'", "X-Empty", ""),
        ("-A me/1", "User-Agent", "me/1"),
        ("-e http://a/", "Referer", "http://a/"),
        ("-u {user}:{password}", "Authorization", "Basic {user}:{password}"),
        ("-u me:pw", "Authorization", "Basic [secret pair 8 #1]"),
        ("-b 'a=1; b=2'", "Cookie", "a=[secret opaque 1 #1]; b=[secret opaque 1 #2]"),
        ("-H 'A: 1' -H 'a: 2'", "A", "1, 2"),
    ],
)
def test_headers_that_options_stand_for(arguments: str, header: str, value: str | None) -> None:
    assert read(f"curl {URL} {arguments}\n")[0].request_headers.get(header) == value


@pytest.mark.parametrize(
    ("command", "url"),
    [
        (f"curl -G {URL} -d page=1 --data-urlencode 'q=a b'", f"{URL}?page=1&q=a+b"),
        (f"curl -G '{URL}?x=1' -d page=1", f"{URL}?x=1&page=1"),
        (f"curl {URL}?page=1&page_size=2 -H 'A: b'", f"{URL}?page=1&page_size=2"),
        (f"curl {URL}/<batch_id>", f"{URL}/<batch_id>"),
        (f"curl '{URL}?a\\[\\]=1'", f"{URL}?a[]=1"),
        ("curl localhost:8000/x", "http://localhost:8000/x"),
    ],
)
def test_the_url_is_the_one_that_was_meant(command: str, url: str) -> None:
    assert read(command + "\n")[0].url == url


def test_several_commands_and_operations_are_several_requests() -> None:
    evidence = read(
        f"curl {URL} && curl -X DELETE {URL}/1\ncurl {URL}/2 {URL}/3 --next -d x {URL}/4\n"
    )
    assert [(x.method, present(x.url).removeprefix(URL)) for x in evidence] == [
        ("GET", ""),
        ("DELETE", "/1"),
        ("GET", "/2"),
        ("GET", "/3"),
        ("POST", "/4"),
    ]


def test_the_answer_pasted_below_a_command_belongs_to_it() -> None:
    answer = (
        'HTTP/1.1 403 Forbidden\nContent-Type: application/json\n\n{"code": '
        '"unknown_group", "text": "x"}'
    )
    evidence = read(
        f'curl -i {URL}\n{answer}\n\ncurl {URL}/2\n{{"code": "blocked_account", "text": "y"}}\n'
    )
    assert [(x.status, x.code) for x in evidence] == [
        (403, "unknown_group"),
        (None, "blocked_account"),
    ]


@pytest.mark.parametrize(
    ("command", "reason"),
    [("curl --request", "needs a value"), ("curl --location -X POST", "without a URL")],
)
def test_what_cannot_be_a_request_is_listed(command: str, reason: str) -> None:
    evidence = read(command + "\n")
    assert len(evidence) == 0
    assert any(reason in skipped.reason for skipped in evidence.skipped)


@pytest.mark.parametrize(
    ("command", "warning"),
    [
        (f"curl {URL} --no-such-option", "not known to curl"),
        (f"curl {URL} --d x", "read as -d"),
        (f"curl {URL} -H  -H 'A: b'", "without a header"),
        (f"curl {URL} -d 'never closed", "never closed"),
        (f"curl {URL} -K file", "cannot be followed"),
        (f'curl {URL} -d "$(date)"', "stays as written"),
    ],
)
def test_what_was_guessed_is_said(command: str, warning: str) -> None:
    evidence = read(command + "\n")
    assert len(evidence) == 1
    assert any(warning in guess.reason for guess in evidence.warnings)


def test_prose_about_curl_is_no_command() -> None:
    assert len(read("We use curl to send it and\ncurl is version 8.\n")) == 0


def test_powershell_tables_become_json() -> None:
    text = (
        "$body = @{ to = @('+15551230001', '+15551230002'); from = '15559870002'; flash = "
        "$true; n = 2 } | ConvertTo-Json\n"
    )
    text += f"irm {URL} -Method Post -Body $body\n"
    assert parsed(read(text)[0].request_body) == {
        "to": ["+15551230001", "+15551230002"],
        "from": "15559870002",
        "flash": True,
        "n": 2,
    }


ASKED = (
    "curl -X POST https://us.sms.api.sinch.com/xms/v1/p1/batches "
    """-H 'Content-Type: application/json' -d '{"to": ["+15551230001"]}'"""
)
ANSWERS = {
    "the body alone": ('{"code": "unknown_group", "text": "x"}', None, "unknown_group"),
    "a word before it": (
        'Response:\n{"code": "unknown_group", "text": "x"}',
        None,
        "unknown_group",
    ),
    "the status before it": (
        'HTTP 403\n{"code": "unknown_group", "text": "x"}',
        403,
        "unknown_group",
    ),
    "a sentence": ("and we get Error 403 blocked_account", 403, "blocked_account"),
    "nothing": ("thanks!", None, None),
}


@pytest.mark.parametrize(("answer", "status", "code"), ANSWERS.values(), ids=ANSWERS.keys())
def test_what_stands_below_a_command_is_its_answer(
    answer: str, status: int | None, code: str | None
) -> None:
    (exchange,) = read(f"{ASKED}\n{answer}")
    assert (exchange.method, exchange.status, exchange.code) == ("POST", status, code)


def test_a_comment_above_a_command_is_no_answer_of_the_one_before() -> None:
    above = (
        f"# 400 syntax_invalid_json\n{ASKED}\n\n# 401\n{ASKED}\n# HTTP 403 unknown_group, "
        f"so it said\n\n# 200\n# and well\n{ASKED}\n# HTTP 404\n"
    )
    evidence = read(above)
    assert [(x.status, x.code) for x in evidence] == [
        (None, None),
        (403, "unknown_group"),
        (404, None),
    ]
    assert [one.reason for one in evidence.warnings] == [
        "the words beside the request were read as its response"
    ]


def test_a_quoted_command_in_a_mail_that_is_not_all_quoted_is_read() -> None:
    (exchange,) = read(f"Hi,\nBob wrote:\n> {ASKED}\n> HTTP 403\n\nthanks")
    assert (exchange.request_body, exchange.status) == ('{"to": ["+15551230001"]}', 403)


@pytest.mark.parametrize(
    "words", ["delivery code 402", "Delivery report: status Failed code 412", "SMPP error 310"]
)
def test_a_delivery_or_smpp_code_is_no_status(words: str) -> None:
    assert len(read(words.encode())) == 0


def test_what_the_option_w_writes_is_the_status() -> None:
    form = """-o out -w '%{response_code} after %{time_total}\\n'"""
    (exchange,) = read(f"{ASKED} {form}\n415 after 0.204")
    assert (exchange.method, exchange.status) == ("POST", 415)


def test_what_the_option_w_writes_may_stand_right_behind_the_body_or_before_a_prompt() -> None:
    body = '{"code": "unknown_group", "text": "x"}'
    (exchange,) = read(f"{ASKED} -w '%{{http_code}} %{{time_total}}'\n{body}403 0.2")
    assert (exchange.status, exchange.code) == (403, "unknown_group")
    asked = f"[09:10] me@box:~$ {ASKED}"
    (exchange,) = read(f"{asked} -o out -w '%{{http_code}}'\n415[09:11] me@box:~$ ls\n")
    assert (exchange.method, exchange.status) == ("POST", 415)


def test_the_response_of_the_next_command_is_no_body_of_the_one_before() -> None:
    first = "$ curl -I https://us.sms.api.sinch.com/xms/v1/p1/groups\nHTTP/2 401\n\n"
    evidence = read(f'{first}$ {ASKED}\n{{"code": "unknown_group", "text": "x"}}')
    assert [(x.status, x.code) for x in evidence] == [(401, None), (None, "unknown_group")]


@pytest.mark.parametrize(
    "command",
    [
        f"curl -X DELETE {URL}   => 404 hmm, why",
        f"Every 5s: curl -X DELETE {URL}    gw3: Tue Mar  4 08:09:10 2025",
        f"   88  2025-03-04 08:09:10 curl -X DELETE {URL}",
    ],
)
def test_words_behind_and_before_a_command_are_no_urls(command: str) -> None:
    (exchange,) = read(command)
    assert (exchange.method, exchange.url) == ("DELETE", URL)


def test_a_sentence_about_a_runner_is_no_command() -> None:
    assert not [
        x for x in read(f"In docker our curl has no way to {URL}, so it seems.") if x.method
    ]
