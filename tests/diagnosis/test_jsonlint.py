import json
from collections.abc import Iterator
from typing import Any

import pytest

from sinchtools.diagnosis.json_errors import defects, parse, position_of, shown

# body, rule, place of the character to change, field whose value it lies in
BROKEN: list[tuple[str | bytes, str, int, str | None]] = [
    ('{"to": ["+1"], "body": "Hi",}', "json-trailing-comma", 27, None),
    ('{"to": ["+1",], "body": "Hi"}', "json-trailing-comma", 12, "to"),
    ('{"to": [],, "body": "Hi"}', "json-extra-comma", 10, None),
    ("{'to': ['+1']}", "json-single-quotes", 1, None),
    ("{\"to\": ['+1']}", "json-single-quotes", 8, "to"),
    ("{“to”: [“+1”]}", "json-smart-quotes", 1, None),
    ('{"to": ["+1"] "body": "Hi"}', "json-missing-comma", 13, None),
    ('{"to": ["+1"]\n "body": "Hi"}', "json-missing-comma", 13, None),
    ('{"to": ["+1" "+2"]}', "json-missing-comma", 12, "to"),
    ('{"to" ["+1"]}', "json-missing-colon", 5, None),
    ('{"to"=["+1"]}', "json-equals-sign", 5, None),
    ('{"to" = ["+1"]}', "json-equals-sign", 6, None),
    ('{"to" => ["+1"]}', "json-ruby-hash", 6, None),
    ('{:to=>["+1"], :body=>nil}', "json-ruby-hash", 4, None),
    ("{&quot;to&quot;: [&quot;+1&quot;]}", "json-html-escaped", 1, None),
    ('{"from": 1; "body": "Hi"}', "json-semicolon", 10, None),
    ('{"to": , "body": "Hi"}', "json-missing-value", 6, "to"),
    ('{"from": "12345, "to": ["+1"]}', "json-missing-quote", 15, "from"),
    ('{"from": "12345,\n "to": ["+1"]}', "json-missing-quote", 15, "from"),
    ('{"to": ["+1], "body": "Hi"}', "json-missing-quote", 11, "to"),
    ('{"body": "Hi}', "json-missing-quote", 12, "body"),
    ('{"from: "12345"}', "json-missing-quote", 6, None),
    ('{from": "12345"}', "json-missing-quote", 1, None),
    ('{"body": Hi"}', "json-missing-quote", 9, "body"),
    ('{"to": ["+1"], "body": "Hi"', "json-missing-brace", 27, None),
    ('"to": ["+1"], "body": "Hi"}', "json-missing-brace", 0, None),
    ('{"to": ["+1", "body": "Hi"}', "json-missing-bracket", 12, "to"),
    ('{"to": ["+1"}', "json-missing-bracket", 12, "to"),
    ('{"to": "+1"], "body": "Hi"}', "json-missing-bracket", 7, "to"),
    ('{"to": "+1", "+2"], "body": "Hi"}', "json-missing-bracket", 7, "to"),
    ('{"to": ["+1"}, "body": "Hi"}', "json-wrong-bracket", 12, "to"),
    ('{"to": ["+1"]}}', "json-extra-bracket", 14, None),
    ('{"to": ["+1"]}, "body": "Hi"}', "json-extra-bracket", 13, None),
    ('{"body": "a\nb"}', "json-raw-newline", 11, "body"),
    ('{"body": "a\tb"}', "json-raw-tab", 11, "body"),
    ('{"body": "a\x01b"}', "json-raw-control", 11, "body"),
    ('{"body": "say "hi" now"}', "json-inner-quote", 14, "body"),
    ('{"body": "a\\qb"}', "json-bad-escape", 11, "body"),
    ('{"body": "a\\u12"}', "json-bad-escape", 11, "body"),
    ("\ufeff{}", "json-bom", 0, None),
    ('{"to":\u00a0["+1"]}', "json-odd-space", 6, "to"),
    ('{"to": ["+1"] // one\n}', "json-comment", 14, None),
    ('{"to": ["+1"] # one\n}', "json-comment", 14, None),
    ('{"from": None}', "json-python-literal", 9, "from"),
    ('{"flash_message": True}', "json-python-literal", 18, "flash_message"),
    ('{"from": NaN}', "json-nan", 9, "from"),
    ('{"from": undefined}', "json-undefined", 9, "from"),
    ('{"to": ("+1",)}', "json-python-tuple", 7, "to"),
    ('{to: ["+1"]}', "json-unquoted-key", 1, None),
    ('{"body": Hi}', "json-unquoted-value", 9, "body"),
    ('{"to": [+15551230001]}', "json-bad-number", 8, "to"),
    ('{"to": [07700900123]}', "json-leading-zero", 8, "to"),
    ('{"body": "Hi " + name}', "json-concatenation", 15, "body"),
    ('{"body": {{text}}}', "json-template", 9, "body"),
    ('{"body": ${text}}', "json-template", 9, "body"),
    ('{"to": [<number>]}', "json-template", 8, "to"),
    ('{\\"to\\": [\\"+1\\"]}', "json-escaped-quotes", 1, None),
    ('\'{"to": ["+1"]}\'', "json-outer-quotes", 0, None),
    ('"{\\"to\\": [\\"+1\\"]}"', "json-double-encoded", 0, None),
    ('{"to": ["+1"]} {"to": ["+2"]}', "json-two-documents", 15, None),
    ('{"to": ["+1"]};', "json-text-after", 14, None),
    ('{"to": ["+1", "+2', "json-truncated", 17, "to"),
    ('{"to": [', "json-truncated", 8, "to"),
    ("", "json-empty", 0, None),
    ("from=12345&to=%2B1", "json-form", 0, None),
    ("--x\r\nContent-Disposition: form-data", "json-multipart", 0, None),
    ("<?xml version='1.0'?><sms/>", "json-markup", 0, None),
    ("hello", "json-not-json", 0, None),
    ("[" * 100_000, "json-too-deep", 0, None),
    ('{"to": ["+1"]}'.encode("utf-16"), "json-utf16", 0, None),
    ('{"body": "Grüße"}'.encode("latin-1"), "json-encoding", 12, "body"),
    ('{"to": ["+1"], "to": ["+2"]}', "json-duplicate-key", 15, "to"),
]


@pytest.mark.parametrize(
    ("body", "rule", "position", "key"),
    BROKEN,
    ids=[f"{rule}-{i}" for i, (_, rule, _, _) in enumerate(BROKEN)],
)
def test_a_defect_is_named_and_its_character_found(
    body: str | bytes, rule: str, position: int, key: str | None
) -> None:
    found = defects(body)[0]
    assert (found.rule, found.position, found.key) == (rule, position, key)


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        '{"body": "a\\nb \\u00e9 {} [,] \'“"}',
        ' {"a": [1, 2.5e3, true, null]} ',
        '{"a": "// no comment"}',
    ],
)
def test_good_json_has_no_defect(body: str) -> None:
    assert defects(body) == []


EDITS = [
    pytest.param(body, rule, defects(body)[0].fix, id=f"{rule}-{i}")
    for i, (body, rule, _, _) in enumerate(BROKEN)
    if defects(body)[0].fix
]


@pytest.mark.parametrize(("body", "rule", "fix"), EDITS)
def test_the_certain_edit_brings_the_text_further(body: Any, rule: Any, fix: Any) -> None:
    start, end, replacement = fix
    left = [
        one
        for one in defects(body[:start] + replacement + body[end:])
        if one.rule != "json-duplicate-key"
    ]
    assert left == [] or left[0].rule != rule


def test_line_and_column_count_from_one() -> None:
    found = defects('{\n  "to": ["+1"],\n  "body": "Hi",\n}')[0]
    assert (found.line, found.column) == (3, 15)


def test_what_is_shown_masks_numbers_and_texts_and_keeps_field_names() -> None:
    text = '{"to": ["+15551230001"], "body": "Birthday",}'
    found = defects(text)[0]
    assert (found.shown, found.shown[found.caret]) == (
        '01"], "body": "••••••••",}'.replace("01", "••"),
        ",",
    )
    assert shown(text, 7) == ('{"to": ["+•••••••••••"], "body":', 7)


def test_a_pointer_is_found_in_the_text() -> None:
    text = '{"a b": {"x/y": [1, {"c": "d"}]}}'
    assert text[position_of(text, "/a b/x~1y/1/c") :].startswith('"d"')
    assert position_of(text, "/nowhere") is None


def test_repeated_keys_are_told_with_the_value() -> None:
    assert parse('{"a": 1, "b": {"c": 1, "c": 2}}') == ({"a": 1, "b": {"c": 2}}, ["c"])


@pytest.mark.parametrize(
    "make",
    [
        lambda n: '{"body": "' + "x" * n + '",}',
        lambda n: "x" * n,
        lambda n: '{"to": [' + '"+15551230001", ' * (n // 32),
        lambda n: "\n" * n,
    ],
)
def test_a_large_body_is_judged(make: Any) -> None:
    assert defects(make(500_000))


def test_any_prefix_of_a_request_is_judged_without_a_crash() -> None:
    text = json.dumps(
        {"to": ["+15551230001"], "body": 'He said "hi"\n', "parameters": {"name": {"default": "x"}}}
    )
    assert all(defects(text[:i]) for i in range(len(text)))


BODIES = (
    {
        "from": "15559870002",
        "to": ["+15551230001", "+15551230002"],
        "body": "Hi, you",
        "send_at": "2027-03-02T10:00:00Z",
        "flash_message": False,
    },
    {
        "to": ["+15551230001"],
        "body": "Hi ${name}",
        "parameters": {"name": {"+15551230001": "Ann", "default": "you"}},
    },
    {
        "name": "Friends",
        "members": ["+15551230001"],
        "auto_update": {"to": "15559870002", "add": {"first_word": "JOIN"}},
    },
)
LAYOUTS: tuple[dict[str, Any], ...] = (
    {},
    {"indent": 2},
    {"indent": "\t"},
    {"separators": (",", ":")},
)
LEFT_OUT = {
    ",": "comma",
    ":": "colon",
    '"': "quote",
    "{": "brace",
    "}": "brace",
    "[": "bracket",
    "]": "bracket",
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("body", BODIES)
def test_every_character_that_is_left_out_is_found_at_its_place(body: Any, layout: Any) -> None:
    text = json.dumps(body, **layout)
    for position, character in structure(text):
        broken = text[:position] + text[position + 1 :]
        [defect] = defects(broken)
        assert defect.rule == f"json-missing-{LEFT_OUT[character]}", broken
        assert json.loads(broken[: defect.position] + character + broken[defect.position :]) == body
        assert (
            defect.position == position or character == "}"
        )  # of some closing braces in a row nobody can tell which one is missing


INSTEAD = (  # what stands there, in place of what; the rule
    ("json-smart-quotes", {'"': "“"}),
    ("json-single-quotes", {'"': "'"}),
    ("json-semicolon", {",": ";"}),
    ("json-equals-sign", {":": "="}),
    ("json-python-tuple", {"[": "("}),
    ("json-wrong-bracket", {"]": ")"}),
    ("json-wrong-bracket", {"]": "}", "{": "[", "}": "]"}),
    ("json-extra-comma", {",": ",,"}),
)


@pytest.mark.parametrize(("rule", "instead"), INSTEAD)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_wrong_character_is_found_at_its_place(rule: str, instead: Any, layout: Any) -> None:
    for text in (json.dumps(body, **layout) for body in BODIES):
        for position, character in structure(text):
            if character in instead:
                broken = text[:position] + instead[character] + text[position + 1 :]
                [defect] = defects(broken)
                assert (defect.rule, defect.position) == (
                    rule,
                    position + len(instead[character]) - 1,
                ), broken


def structure(text: Any) -> Iterator[tuple[Any, Any]]:
    """
    Return the structural characters, and those without which it is still JSON.

    Characters inside texts are left out.
    """
    within = False
    for position, character in enumerate(text):
        within ^= character == '"'
        if character in LEFT_OUT and (character == '"' or not within):
            yield position, character


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"delivery_report": "per-recipient",}', '"per-recipient",'),
        ('{"to": ["01JQ7ZV5N8WXKD2M4R6T9B3CFA"],}', 'ZV5N8WXKD2M4R6T9B3CFA"],'),
        ('{"send_at": "2027-02-03 10:15:00",}', '"2027-02-03 10:15:00",'),
        ('{"flash_message": true, "body": "Hello Ann",}', '"body": "••••• •••",'),
        ('{"to": ["+447700900555"],}', '["+••••••••••••"],'),
    ],
)
def test_what_names_nobody_is_not_masked(text: str, masked: str) -> None:
    assert masked in shown(text, len(text) - 1)[0].rpartition("}")[0]
    assert shown(text, len(text) - 1, is_masked=False)[0] in text
