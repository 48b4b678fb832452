"""An alias is one person's, leads nowhere without the key, and keeps what diagnosis needs."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sinchtools.api import description
from sinchtools.api.validation import msisdn_defect
from sinchtools.core.gsm import encoding_of
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.evidence import read
from sinchtools.privacy.alias_forms import NUMBER_ALIAS, is_alias, representative
from sinchtools.privacy.aliases import Aliases, people
from tests.support import corpus
from tests.support.present import parsed, present

KEY = b"the key of one case, nobody else's"
ALIASES = Aliases(KEY)
TEXT = "Hi Anna, your code is ready"
GOOD = description.complete(
    Exchange(
        id="row-1",
        method="POST",
        url="https://us.sms.api.sinch.com/xms/v1/plan/batches",
        request_headers={
            "Authorization": "Bearer [secret opaque 12 #1]",
            "Content-Type": "application/json",
        },
        request_body=json.dumps({"to": ["+46701740605"], "from": "15559870002", "body": TEXT}),
        status=201,
        response_body=json.dumps(
            {"id": "01J", "to": ["46701740605"], "from": "15559870002", "body": TEXT}
        ),
    )
)


@pytest.mark.parametrize(
    "written",
    [
        "+46701740605",
        "0046701740605",
        "46701740605",
        "+46 70-174 06 05",
        "0046 (70) 174.06.05",
        " +46701740605 ",
    ],
)
def test_a_person_has_one_alias_however_the_number_is_written(written: str) -> None:
    assert ALIASES.number(written) == ALIASES.number("+46701740605")


def test_an_alias_keeps_country_and_first_digit_and_seven_base32_characters() -> None:
    found = present(NUMBER_ALIAS.fullmatch(ALIASES.number("+46701740605")))
    assert found.groupdict() | {"tag": ""} == {
        "country": "46",
        "first": "7",
        "tag": "",
        "size": None,
        "head": None,
        "odd": None,
    }
    assert set(ALIASES.number("+46701740605")[-7:]) <= set("abcdefghijklmnopqrstuvwxyz234567")


def test_two_people_have_two_aliases_and_two_cases_share_none() -> None:
    numbers = [f"+4670174{n:04}" for n in range(605, 700)]
    assert len({ALIASES.number(number) for number in numbers}) == len(numbers)
    other = Aliases(b"another case's key, as long")
    assert not {ALIASES.number(number) for number in numbers} & {
        other.number(number) for number in numbers
    }


@pytest.mark.long
def test_a_million_guesses_without_the_key_find_nobody() -> None:
    recovered(1_000_000)


def test_guesses_without_the_key_find_nobody() -> None:
    recovered(20_000)


def recovered(n: Any) -> None:
    tag = ALIASES.number("+46701740605")[-7:]
    for key in (b"", b"sinchtools", tag.encode()):
        guess = Aliases(key)
        assert all(
            guess._tag("number", f"46701{number:06}") != tag
            for number in range(740_605 - n // 2, 740_605 + n // 2)
        )
    assert ALIASES._tag("number", "46701740605") == tag


@pytest.mark.parametrize(
    "number",
    [
        "+46701740605",
        "15551230001",
        "++46701740605",
        "+4670",
        "0701740605",
        "+4670174O605",
        "+46701\u200b740605",
        "2025550123",
        "+155512300011111",
        "+1555123000111111",
        "+15551230001, +15551230002",
        "tel:+46701740605",
        "+999123456789",
        "+0701740605",
        "abcde",
        "0",
        "+46",
    ],
)
def test_diagnosis_says_the_same_of_an_alias_as_of_the_number(number: str) -> None:
    alias = ALIASES.number(number)
    assert len(number) < 7 or number not in alias
    assert msisdn_defect(alias)[:2] == msisdn_defect(number)[:2]


NOBODY = [
    "{{phone}}",
    "",
    "null",
    "+$NUMBER",
    "01FC66621XXXXX119Z8PMV1QPQ",
    "+46 7• k3f9qd2",
    "[text k3f9qd2 7 characters GSM-7 1 part]",
]


@pytest.mark.parametrize("value", NOBODY)
def test_what_is_nobody_stays(value: str) -> None:
    assert ALIASES.number(value) == value


@pytest.mark.parametrize(
    "text",
    [
        "Hi Anna",
        "Grüße, Łukasz",
        "Привет " * 20,
        "a" * 2001,
        "Hi ${name}, your ${code}",
        "[x] ] [",
        "😀 hi",
    ],
)
def test_the_alias_of_a_text_keeps_length_alphabet_and_placeholders(text: str) -> None:
    alias = ALIASES.text(text)
    seen = representative(alias)
    assert is_alias(alias) and text not in alias
    assert (len(seen), encoding_of(seen), description.PLACEHOLDER.findall(seen)) == (
        len(text),
        encoding_of(text),
        description.PLACEHOLDER.findall(text),
    )


def test_the_corpus_of_defects_is_answered_alike_with_aliases() -> None:
    pairs = [
        [diagnose(x, now=corpus.NOW) for x in (s.exchange, ALIASES.exchange(s.exchange))]
        for s in corpus.samples()
    ]
    assert [
        b.exchange.id
        for a, b in pairs
        if (a.expected_status, a.expected_code) != (b.expected_status, b.expected_code)
    ] == []
    others = [a for a, b in pairs if a.top and a.top.rule != present(b.top).rule]
    assert len(others) <= len(pairs) / 25  # broken JSON whose message is the break


def form(**fields: Any) -> str:
    parts = (
        f'--b0und\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    return "".join(parts) + "--b0und--\r\n"


def test_the_parts_of_a_form_are_people_and_the_rest_stays() -> None:
    body = form(to="+46701740605", body="Your PIN is 493817 dear Anna", type="mt_text", note="x")
    number, said = ALIASES.number("+46701740605"), ALIASES.text("Your PIN is 493817 dear Anna")
    assert ALIASES.exchange(Exchange(request_body=body)).request_body == form(
        to=number, body=said, type="mt_text", note="x"
    )
    found = people([Exchange(request_body=body)])
    assert found.numbers == {"46701740605"} and found.texts == {"Your PIN is 493817 dear Anna"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (
            "request_body",
            '{"to": ["+46701740605", "+46701740606"], "body": "Hi Anna, your code is ready"}',
        ),
        (
            "request_body",
            '{"to": ["+46701740605"], "from": "+46701740605", "body": "x", "note": "Hi Anna, '
            'your code is ready"}',
        ),
        (
            "request_body",
            '{"parameters": {"name": {"46701740605": "Hi Anna, your code is ready", "default": '
            '"Hi Anna, your code is ready"}}}',
        ),
        (
            "request_body",
            '{"type": "mt_media", "body": {"url": "https://x.example/a.png", "message": "Hi '
            'Anna, your code is ready"}}',
        ),
        (
            "request_body",
            '{"type": "mt_binary", "body": "SGkgQW5uYSwgeW91ciBjb2RlIGlzIHJlYWR5", "udh": "00"}',
        ),
        ("request_body", '{"to": [46701740605]}'),
        (
            "request_body",
            '{"members": ["46701740605"], "auto_update": {"to": "46701740605", "add": '
            '{"first_word": "JOIN"}}}',
        ),
        (
            "request_body",
            '{"type": "mo_text", "from": "46701740605", "body": "Hi Anna, your code is ready"}',
        ),
        ("request_body", '{"to": ["+46701740605], "body": "Hi Anna, your code is ready"}'),
        (
            "request_body",
            '{"to": ["+46701740605"], "body": "Hi Anna, your code is ready, "from": "15559870002"}',
        ),
        ("request_body", "{'to': ['+46701740605'], 'body': 'Hi Anna, your code is ready'}"),
        ("request_body", '{"body": "Hi Anna, your\n code is ready", "to": ["+46 70-174 06 05"],}'),
        ("request_body", '{"body": Hi Anna, your code is ready, "to": ["+46701740605"]}'),
        ("request_body", '{"body": "Hi Anna, your code is ready'),
        ("request_body", "to=%2B46701740605&body=Hi+Anna%2C+your+code+is+ready"),
        ("request_body", form(to="+46701740605", body="Hi Anna, your code is ready")),
        (
            "request_body",
            form(
                to="46701740605",
                message="Hi Anna,\r\n--your code is ready",
                text="Hi Anna, your code is ready",
            ).encode(),
        ),
        (
            "request_body",
            form(request='{"to": ["+46701740605"], "body": "Hi Anna, your code is ready"}'),
        ),
        (
            "request_body",
            "<sms><to>+46701740605</to><body>Hi Anna, your code is ready</body></sms>",
        ),
        ("request_body", "Hi Anna, your code is ready"),
        (
            "request_body",
            b'{"body": "Hi Anna, your code is ready", "to": "46701740605", "x": "\xff"}',
        ),
        (
            "request_body",
            '{"body": "Hi Anna, your code is ready", "to": ["46701740605"]}'.encode("utf-16"),
        ),
        (
            "response_body",
            '{"recipients": [{"recipient": "46701740605"}], "statuses": [{"recipients": '
            '["46701740605"]}]}',
        ),
        (
            "response_body",
            '{"code": "x", "text": "46701740605 got \'Hi Anna, your code is ready\'"}',
        ),
        ("response_body", "<p>Hi Anna, your code is ready was not sent to +46 701 740 605</p>"),
        (
            "url",
            "https://us.sms.api.sinch.com/xms/v1/plan/batches/01J/delivery_report/%2B46701740605"
            "?to=46701740605,46701740606",
        ),
        ("url", "https://sms.example/send?to=%2B46701740605&text=Hi+Anna%2C+your+code+is+ready"),
        ("request_headers", {"X-To": "+46701740605", "X-Note": "for Hi Anna, your code is ready"}),
        ("response_headers", {"Location": "/inbounds?from=46701740605"}),
        ("text", "+46701740605 is bad: Hi Anna, your code is ready"),
        ("text", "it is bad: hi anna, Your CODE IS ready"),
        ("source", "case-46701740605.har#1"),
        ("response_headers", {"ETag": 'W/"61c7-46701740605"'}),
        ("id", "46701740605"),
        ("failure", "timeout for 46701740605"),
    ],
)
def test_no_person_is_left_in_any_part(field: str, value: Any) -> None:
    aliased = ALIASES.exchange(replace(GOOD, **{field: value}))
    left = repr([getattr(aliased, name) for name in Exchange.__dataclass_fields__])
    for word in (
        "740605",
        "740606",
        "740 605",
        "Anna",
        "anna",
        "CODE",
        "code is",
        "QW5uY",
        "174 06",
    ):
        assert word not in left, word


SPREAD = [
    "+46\u202f70\u202f174\u202f06\u202f05",
    "+46\u201170\u2011174\u20110605",
    "+46\u200970\u2009174 0605",
    "46_70_174_06_05",
    "+46   70  174 06 05",
    "46,701,740,605",
]


@pytest.mark.parametrize("written", SPREAD)
def test_a_known_number_is_found_whatever_stands_between_its_digits(written: str) -> None:
    said = f"no way to {written}, sorry"
    aliased = ALIASES.exchange(
        replace(GOOD, text=said, response_body=json.dumps({"text": said}, ensure_ascii=False))
    )
    wanted = f"no way to {ALIASES.number('+46701740605')}, sorry"
    assert (aliased.text, parsed(aliased.response_body)["text"]) == (wanted, wanted)


@pytest.mark.parametrize(
    "said",
    [
        "[46,701,740,605]",
        "46.70, 1.74, 0.60, 5",
        "2026_11_23 08:00:00",
        "10.20.30.40",
        "[1, 22, 333, 4444, 55555]",
    ],
)
def test_lists_dates_and_addresses_are_no_number(said: str) -> None:
    assert ALIASES.exchange(replace(GOOD, text=said)).text == said


OTHER, OTHER_IS = "447700900123", ALIASES.number("+447700900123")
GLUED = {
    "order_{}": "order_{}",
    "u{}": "u{}",
    "{}_2026": "{}_2026",
    "{}x12": "{} x12",
    "ref{}end": "ref{} end",
    "a_{}_b": "a_{}_b",
    "id={}a": "id={} a",
    "cb/{}_x": "cb/{}_x",
    "{}abc": "{} abc",
    "Anna{}": "Anna{}",
    "NR{}": "NR{}",
    "order__{}": "order__{}",
}


@pytest.mark.parametrize("written", GLUED)
@pytest.mark.parametrize("field", ["text", "failure", "source", "id"])
def test_a_number_glued_to_letters_is_found_though_no_other_place_tells_of_it(
    field: str, written: str
) -> None:
    change: dict[str, Any] = {field: written.format(OTHER)}
    aliased = ALIASES.exchange(replace(GOOD, **change))
    assert getattr(aliased, field) == GLUED[written].format(OTHER_IS)


@pytest.mark.parametrize("written", GLUED)
def test_a_glued_number_is_found_in_bodies_urls_headers_and_words(written: str) -> None:
    said = written.format(OTHER)
    body = json.dumps({"client_reference": said, said: 1})
    shown = ALIASES.exchange(
        replace(
            GOOD,
            url=f"https://x.example/cb/{said}?{said}=1",
            request_body=body,
            request_headers={"X": said},
        )
    )
    assert OTHER not in repr(shown) and OTHER not in ALIASES.words(said)


def digits_from(zero: Any) -> str:
    return "".join(chr(ord(zero) + int(digit)) for digit in OTHER)


SCRIPTS = {
    "fullwidth": digits_from("\uff10"),
    "arabic": digits_from("\u0660"),
    "persian": digits_from("\u06f0"),
    "devanagari": digits_from("\u0966"),
    "bengali": digits_from("\u09e6"),
    "thai": digits_from("\u0e50"),
    "bold": digits_from("\U0001d7ce"),
    "double": digits_from("\U0001d7d8"),
    "superscript": OTHER.translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")),
    "keycaps": "".join(f"{digit}\ufe0f\u20e3" for digit in OTHER),
    "joiners": "\u200d".join(OTHER),
    "zero-width": "\u200b".join(OTHER),
    "soft-hyphens": "4477\u00ad00900\u00ad123",
    "bidi": "\u202e".join(OTHER),
    "bom": "44\ufeff7700900123",
    "filler": "44\u31647700900123",
    "word-joiner": "447700\u2060900123",
    "colons": "44:7700:900123",
    "pipes": "44|7700|900123",
    "stars": "44*7700*900123",
    "middle-dots": "+44·7700·900123",
}


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("field", ["text", "failure", "client_reference", "note"])
def test_a_number_in_any_script_is_the_number(field: str, script: str) -> None:
    said = f"number {SCRIPTS[script]} is wrong"
    if field == "client_reference":
        body = json.dumps({"x": [{"client_reference": SCRIPTS[script]}]})
        aliased = parsed(ALIASES.exchange(replace(GOOD, request_body=body)).request_body)
        shown = f"number {aliased['x'][0]['client_reference']} is wrong"
    elif field == "note":
        shown = ALIASES.words(said)
    else:
        change: dict[str, Any] = {field: said}
        shown = getattr(ALIASES.exchange(replace(GOOD, **change)), field)
    assert shown.startswith(f"number {OTHER_IS}") and shown.endswith(" is wrong")


KEPT = [
    "5c1e9a7b3d2f4e68",
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "01FC66621XXXXX119Z8PMV1QPQ",
    "01hf7z5q1b2345678901234567",
    "0f3e8a51-1111-2222-3333-444455556666",
    "2026-11-23T08:00:00Z",
    "20261123080000",
    "x_20261123080000",
    "1764460800123",
    "x1764460800123",
    "127.0.0.1:8080",
    "10.20.30.40",
    "00:11:22:33:44:55",
    "ref_20261123_0001",
    "1,234,567,890",
    "08:00:00:000",
    "[1234,5678,9012]",
    "order_1234567890",
    "2026-11-23 2026-11-24 2026-11-25",
    "error 0x80070005",
    "v1.2.3.4567",
]


@pytest.mark.parametrize("said", KEPT)
def test_ids_hashes_and_moments_are_no_numbers(said: str) -> None:
    assert (ALIASES.words(said), ALIASES.words(f"a {said} b")) == (said, f"a {said} b")


BROKEN: dict[str, Callable[[dict[str, Any]], str]] = {
    "json": json.dumps,
    "python": repr,
    "python-lines": lambda body: repr(body).replace(", ", ",\n  "),
    "cut": lambda body: json.dumps(body)[:-1],
    "python-cut": lambda body: repr(body)[:-1],
    "comma": lambda body: json.dumps(body)[:-1] + ",}",
    "python-comma": lambda body: repr(body)[:-1] + ",]",
    "javascript": lambda body: repr(body).replace("'type'", "type"),
    "comment": lambda body: json.dumps(body) + " // sent",
    "python-comment": lambda body: repr(body) + " # sent",
    "no-space": lambda body: repr(body).replace("': ", "':"),
}
PLACES: dict[str, dict[str, Any]] = {
    "body": {"body": "Dear Bea, come"},
    "parameters": {"parameters": {"n": {"default": "Bea", "x": "Dear Bea, come today"}}},
    "name": {"name": "VIP Bea Svensson"},
    "client_reference": {"client_reference": "for Bea Svensson"},
    "subject": {"subject": "Dear Bea"},
    "number": {"to": [f"+{OTHER}"]},
    "glued": {"client_reference": f"order_{OTHER}"},
    "parameter-name": {"parameters": {"n": {f"+{OTHER}": "Bea"}}},
    "nested": {"body": {"message": "Bea's parcel"}},
    "tags": {"tags": [f"u{OTHER}"]},
}


@pytest.mark.parametrize("writing", BROKEN)
@pytest.mark.parametrize("place", PLACES)
def test_nobody_is_left_in_a_broken_or_single_quoted_body(place: str, writing: str) -> None:
    body = BROKEN[writing]({"type": "mt_text", "to": [f"+{OTHER}"], **PLACES[place]})
    shown = str(ALIASES.exchange(Exchange(request_body=body)).request_body)
    assert "Bea" not in shown and OTHER not in shown and "mt_text" in shown
    assert ALIASES.exchange(Exchange(request_body=shown)).request_body == shown


SECRET = "[secret opaque 8 #2]"
AROUND = [
    "Dear Anna, your password: {}",
    "{} is for Anna",
    "Anna {} Anna",
    "Anna{}",
    "log in, Anna: https://x/?token={}",
    "{}{} Anna",
    "Anna\n{}\nAnna",
    "Anna {0} Anna {0} Anna",
    "Anna, {} ",
    "  Anna {}",
]


@pytest.mark.parametrize("said", AROUND)
def test_a_text_is_aliased_around_the_markers_in_it(said: str) -> None:
    said = said.format(SECRET, SECRET)
    body = json.dumps({"to": ["+46701740605"], "body": said})
    shown = parsed(ALIASES.exchange(replace(GOOD, request_body=body)).request_body)["body"]
    assert "Anna" not in shown and shown.count(SECRET) == said.count(SECRET)
    assert "".join(people([Exchange(request_body=body)]).texts).count("Anna") == said.count("Anna")
    assert ALIASES.text(shown) == shown


@pytest.mark.parametrize(
    "said",
    [
        SECRET,
        f" {SECRET}",
        f"{SECRET} {SECRET}\n",
        "[secret jwt 210 #1 expires=2024-06-15T08:00:00Z quoted]",
    ],
)
def test_markers_and_blanks_alone_are_nobodys_words(said: str) -> None:
    assert ALIASES.text(said) == said


FORGED = [
    "[text aaaaaaa 5 characters Unicode Anna+447700900123 1 part]",
    "[text aaaaaaa 5 characters Unicode Анна 1 part]",
    "[text aaaaaaa 447700900123 characters GSM-7 1 part]",
    "[text aaaaaaa 5 characters GSM-7 447700900123 parts]",
    "[text aaaaaaa 5 characters GSM-7 1 part ${447700900123}]",
    "[text aaaaaaa 5 characters Unicode ٤٤٧٧٠٠٩٠ 1 part]",
    "[secret opaque 5 #1 Dear Anna 447700900123]",
    "[secret opaque 447700900123 #1]",
    "[secret opaque 5 #447700900123]",
    "[secret jwt 5 #1 issuer=447700900123]",
    "[secret opaque 5 #1 Anna]",
]


@pytest.mark.parametrize("said", FORGED)
def test_a_forged_alias_or_marker_is_text(said: str) -> None:
    body = json.dumps({"to": ["+46701740605"], "body": said})
    shown = str(ALIASES.exchange(replace(GOOD, request_body=body)).request_body)
    assert not any(word in shown for word in ("Anna", "Анна", OTHER, "٤٤٧", "aaaaaaa"))


@pytest.mark.parametrize(
    "number",
    [
        "+46 7• k3f9qd2 8 digits with 447700900123",
        "+46 7• k3f9qd2 447700900123 digits",
        "+46 7• k3f9qd2 8 digits as Svensson",
        "+46 7• 447700900123",
    ],
)
def test_a_forged_alias_of_a_number_is_a_number(number: str) -> None:
    body = json.dumps({"to": [number], "body": "x"})
    shown = str(ALIASES.exchange(replace(GOOD, request_body=body)).request_body)
    assert OTHER not in shown and "Svensson" not in shown


def test_json_keeps_its_shape_its_white_space_and_its_names() -> None:
    body = (
        '{ "to": ["+46701740605",\n 15551230001], "send_at": "2026-11-23T08:00:00Z", "n": '
        '1.50, "n": 2, "body": "\\u00e5 Hi" }'
    )
    aliased = ALIASES.exchange(replace(GOOD, request_body=body)).request_body
    to, text = ALIASES.number("+46701740605"), ALIASES.text("å Hi")
    assert (
        aliased
        == f'{{ "to": ["{to}",\n 15000000000], "send_at": "2026-11-23T08:00:00Z", "n": 1.50, '
        f'"n": 2, "body": "{text}" }}'
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://us.sms.api.sinch.com/xms/v1/0f3e8a51-1111-2222-3333-444455556666/batches"
        "?start_date=2026-11-23T08:00:00Z&page=12",
        "http://127.0.0.1:8080/x",
    ],
)
def test_ids_dates_and_addresses_are_no_people(url: str) -> None:
    assert ALIASES.exchange(replace(GOOD, url=url)).url == url


def test_aliasing_twice_is_aliasing_once() -> None:
    once = ALIASES.exchange(GOOD)
    assert ALIASES.exchange(once) == once
    assert people([once]) == (frozenset(), frozenset())


def test_an_alphanumeric_sender_and_a_short_code_are_no_people() -> None:
    for sender in ("MyShop", "46123", "Shop 24"):
        body = json.dumps({"to": [], "from": sender})
        assert ALIASES.exchange(replace(GOOD, request_body=body)).request_body == body


def test_the_people_of_exchanges_are_those_who_would_be_aliased() -> None:
    found = people([GOOD])
    assert found.numbers == {"46701740605", "15559870002"} and found.texts == {TEXT}


def test_every_defect_of_the_sample_case_is_judged_alike_with_aliases(sample_failures: Any) -> None:
    for exchange in sample_failures:
        before, after = diagnose(exchange), diagnose(ALIASES.exchange(exchange))
        assert [(f.rule, f.severity) for f in after.findings] == [
            (f.rule, f.severity) for f in before.findings
        ], exchange.id


@pytest.fixture(scope="module")
def sample_failures() -> list[Any]:
    from sinchtools.core.settings import share_folder

    failing = read(share_folder("data/samples")).failing()
    return list({(x.status, x.code, x.endpoint, x.text): x for x in failing}.values())
