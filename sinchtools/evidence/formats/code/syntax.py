"""
Say how each language writes what all of them have: texts, names, calls, lists and tables.

The names of the nodes are those of the tree-sitter grammars. Where grammars use one name, they mean
one thing by it, so that one table serves all languages.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from time import monotonic
from typing import Any, NamedTuple

from sinchtools.evidence.pieces import words

Node = Any  # a tree_sitter.Node: the library may not be there


class Language(NamedTuple):
    """How a language is known, which grammar parses it, and what Pygments calls it."""

    signs: re.Pattern[str]
    grammar: str  # module and function, empty when there is none
    lexer: str
    tags: tuple[str, ...]  # after the fence in Markdown


def _signs(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)


LANGUAGES = {
    "python": Language(
        _signs(
            r"^[ \t]*(?:import [\w., ]+$|from [\w.]+ import |def \w+\(|with .*:$|print\("
            r"|async with )"
            r"|\b(?:requests|httpx|aiohttp|urllib|json\.dumps|os\.environ|os\.getenv)\b|f[\"']"
            r"|http\.client"
            r"|[(,][ \t]?\w+=[\"'\[{\w]|\w\([^)\n]{0,300}\b(?:json|headers|data|auth)=|^[ \t]*#"
        ),
        "tree_sitter_python.language",
        "python",
        words("python py python3 ipython"),
    ),
    "javascript": Language(
        _signs(
            r"\b(?:const|let|var) [\w{\[$]|[)\w] ?=> |\bawait |\b(?:axios|fetch|require"
            r"|JSON\.stringify|\$\.ajax"
            r"|XMLHttpRequest|UrlFetchApp|process\.env|console\.log|superagent|https?\.request)\b"
            r"|\bfunction\b ?\w*\(|`[^`\n]*\$\{|^[ \t]*import .* from ['\"]"
        ),
        "tree_sitter_typescript.language_tsx",
        "typescript",
        words("js javascript ts typescript jsx tsx node mjs gs"),
    ),
    "php": Language(
        _signs(
            r"<\?php|\$\w+ *= *|->\w+\(|\bcurl_\w+\(|CURLOPT_|=> *['\"\[$]|\barray\(|Http::"
            r"|<<<['\"]?\w"
        ),
        "tree_sitter_php.language_php_only",
        "php",
        ("php",),
    ),
    "java": Language(
        _signs(
            r"[)\w]\.builder\(\)|^[ \t]*(?:import [\w.*]+;|public |private |@\w+)"
            r"|\bnew \w+(?:\.\w+)*[<(]"
            r"|\bString \w+ *="
            r"|\b(?:HttpRequest|HttpClient|OkHttpClient|RequestBody|MediaType|Unirest|RestTemplate"
            r"|HttpHeaders|HttpURLConnection|URI\.create|System\.\w+|Map\.of|List\.of|WebClient)\b"
            r"|^[ \t]*[A-Z]\w*(?:<[\w, <>?]+>)? \w+ = "
        ),
        "tree_sitter_java.language",
        "java",
        words("java"),
    ),
    "kotlin": Language(
        _signs(
            r"^[ \t]*va[lr] \(|\"[ \t]to[ \t]\"|\bva[lr] \w+(?: ?: ?\w+)? ?=|\bfun \w+\("
            r"|\bmapOf\(|\blistOf\(|println\("
            r"|\bbearerAuth\("
            r"|\bsetBody\(|\btoRequestBody\(|\bcontentType\(|\bdata class |trimIndent\("
            r"|\bpost\([^\n]*\) \{"
        ),
        "tree_sitter_kotlin.language",
        "kotlin",
        words("kotlin kt kts"),
    ),
    "csharp": Language(
        _signs(
            r"^[ \t]*using [\w.]+;|\$@?\"|@\"|\bnew (?:HttpClient|RestClient|RestRequest"
            r"|StringContent"
            r"|HttpRequestMessage|Uri|Dictionary|List|\{|\[\])|\bPostAs\w+|SendAsync|Encoding\.UTF8"
            r"|JsonConvert|JsonSerializer|JsonContent|Console\.Write|\busing (?:var|\()|WebRequest"
            r"|AuthenticationHeaderValue|GetStringAsync|DefaultRequestHeaders|\bstring \w+ ="
        ),
        "tree_sitter_c_sharp.language",
        "csharp",
        words("csharp cs c# dotnet"),
    ),
    "go": Language(
        _signs(
            r"^package \w+|:= |\bfunc \w*\(|\bhttp\.(?:NewRequest|Post|Get|Method)|\bfmt\."
            r"|\[\]string"
            r"|map\[string\]|\berr != nil|\.Header\.(?:Set|Add)\(|resty\.New|strings\.NewReader"
        ),
        "tree_sitter_go.language",
        "go",
        words("go golang"),
    ),
    "ruby": Language(
        _signs(
            r"^[ \t]*require ['\"]|\bNet::HTTP|\bFaraday|\bHTTParty|\bRestClient|\bENV\[|#\{"
            r"|\bdo \|\w+\|$"
            r"|^[ \t]*end$|^[ \t]*puts |\.to_json\b|<<~\w|\bExcon\b|JSON\.generate|URI\(|\bdef \w+$"
        ),
        "tree_sitter_ruby.language",
        "ruby",
        words("ruby rb"),
    ),
    "vba": Language(
        _signs(r"^[ \t]*(?:Dim |Set \w+ = |End Sub|Sub |Function )|CreateObject\(|XMLHTTP|\" & "),
        "",
        "vbnet",
        words("vb vba vbnet vbscript basic"),
    ),
    "c": Language(
        _signs(r"curl_easy_\w+|^#include|\bconst char|\bcpr::"), "", "cpp", words("c cpp c++")
    ),
    "elixir": Language(
        _signs(r"HTTPoison|Tesla\.|Jason\.|%\{|\|> |defmodule |Finch\."),
        "",
        "elixir",
        words("elixir ex exs"),
    ),
    "dart": Language(
        _signs(
            r"Uri\.parse\(|\bhttp\.(?:Request|post|get)\(|\bFuture<|package:http|jsonEncode\(|Dio\("
        ),
        "",
        "dart",
        words("dart flutter"),
    ),
    "swift": Language(
        _signs(r"URLRequest\(|URLSession|\bURL\(string:|\.httpMethod|\.httpBody|\bguard let "),
        "",
        "swift",
        words("swift"),
    ),
    "rust": Language(
        _signs(r"reqwest|\blet mut |\bfn \w+\(|::new\(\)|json!\(|\.await\?|ureq::|Result<"),
        "",
        "rust",
        words("rust rs"),
    ),
    "lua": Language(
        _signs(r"\blocal \w+ *=|socket\.http|ltn12|resty\.http|[\w\"] \.\. [\w\"]"),
        "",
        "lua",
        words("lua"),
    ),
    "perl": Language(
        _signs(r"\bmy [$%@]|LWP::UserAgent|HTTP::Request|^use \w+|encode_json"),
        "",
        "perl",
        words("perl pl"),
    ),
    "objective-c": Language(
        _signs(r"NSMutableURLRequest|NSURL|NSString|\[\[?\w+ \w+:@"),
        "",
        "objective-c",
        words("objc objectivec"),
    ),
    "r": Language(_signs(r"httr|<- |add_headers\(|library\("), "", "r", words("r")),
    "scala": Language(_signs(r"\bsttp|basicRequest|uri\""), "", "scala", words("scala")),
    "groovy": Language(
        _signs(r"\bdef \w+ =|HTTPBuilder|\.openConnection\(\)"), "", "groovy", words("groovy")
    ),
    "julia": Language(
        _signs(r"^using HTTP|\bDict\(\"|JSON3?\.(?:json|write)\("), "", "julia", words("julia jl")
    ),
    "matlab": Language(_signs(r"\bweb(?:options|write|read)\("), "", "matlab", words("matlab m")),
    "clojure": Language(
        _signs(r"\((?:client|http|clj-http\.client)/|:headers \{|\(require "),
        "",
        "clojure",
        words("clojure clj"),
    ),
    "haskell": Language(
        _signs(r"\bsetRequest\w+|<- http\w+|\bparseRequest"), "", "haskell", words("haskell hs")
    ),
    "erlang": Language(
        _signs(r"\bhttpc:request|\bhackney:|\bibrowse:|<<\""), "", "erlang", words("erlang erl")
    ),
    "apex": Language(
        _signs(r"\.setEndpoint\(|HttpRequest \w+ = new HttpRequest\(\)|System\.debug\("),
        "",
        "",
        words("apex"),
    ),
    "delphi": Language(
        _signs(r"\bTIdHTTP|\bTStringStream|\bTRESTRequest|\bTNetHTTP|^procedure "),
        "",
        "delphi",
        words("delphi pascal"),
    ),
    "fsharp": Language(
        _signs(r"^open [A-Z]\w+|^[ \t]*let!? (?:mutable )?\w+ =|printfn|task \{|async \{|<- \w+\("),
        "",
        "fsharp",
        words("fsharp fs f#"),
    ),
    "nim": Language(
        _signs(r"newHttp\w+\(|newAsyncHttp\w+|%\*[{\[]|^import std/|\bproc \w+\("),
        "",
        "nim",
        words("nim"),
    ),
    "crystal": Language(_signs(r"HTTP::(?:Client|Headers)\b"), "", "crystal", words("crystal cr")),
    "ocaml": Language(
        _signs(r"Cohttp|Lwt\b|\bUri\.of_string|>>= fun|let%lwt"), "", "ocaml", words("ocaml ml")
    ),
    "zig": Language(_signs(r"@import\(\"std\"\)|std\.http|try client\."), "", "zig", words("zig")),
    "tcl": Language(_signs(r"http::geturl|package require|^set \w+ "), "", "tcl", words("tcl")),
    "racket": Language(
        _signs(r"#lang racket|net/http|\(define "), "", "racket", words("racket scheme lisp")
    ),
    "coldfusion": Language(_signs(r"<cfhttp(?:param)?\b"), "", "", words("cfm coldfusion")),
}
KINDS = {
    kind: group
    for group, names in {
        "text": words(
            "string concatenated_string template_string encapsed_string heredoc nowdoc "
            "string_literal "
            "character_literal multiline_string_literal verbatim_string_literal raw_string_literal "
            "interpolated_string_expression interpreted_string_literal heredoc_beginning "
            "chained_string simple_symbol"
        ),
        "number": words(
            "integer float number decimal_integer_literal decimal_floating_point_literal "
            "integer_literal real_literal int_literal float_literal number_literal"
        ),
        "constant": words(
            "true false null none nil undefined boolean_literal null_literal boolean True False "
            "None"
        ),
        "word": words(
            "identifier constant name variable_name type_identifier instance_variable "
            "qualified_name "
            "global_variable simple_identifier class_variable scoped_type_identifier this self "
            "qualified_type scoped_identifier this_expression shorthand_property_identifier"
        ),
        "member": words(
            "attribute member_expression member_access_expression "
            "nullsafe_member_access_expression "
            "field_access navigation_expression selector_expression scope_resolution "
            "class_constant_access_expression scoped_property_access_expression "
            "conditional_access_expression"
        ),
        "index": words(
            "subscript subscript_expression index_expression element_reference array_access "
            "element_access_expression"
        ),
        "call": words(
            "call call_expression function_call_expression member_call_expression "
            "nullsafe_member_call_expression scoped_call_expression method_invocation "
            "invocation_expression new_expression object_creation_expression "
            "implicit_object_creation_expression"
        ),
        "list": words(
            "list tuple array array_initializer implicit_array_creation_expression set "
            "collection_literal collection_expression string_array symbol_array"
        ),
        "table": words("dictionary object hash anonymous_object_creation_expression"),
        "php_array": ("array_creation_expression",),
        "composite": words("composite_literal literal_value initializer_expression"),
        "join": words(
            "binary_operator binary_expression binary additive_expression infix_expression"
        ),
        "assign": words(
            "assignment assignment_expression variable_declarator assignment_statement "
            "short_var_declaration var_spec const_spec const_element property_element "
            "property_declaration field_definition public_field_definition augmented_assignment "
            "augmented_assignment_expression operator_assignment named_expression"
        ),
        "alias": ("as_pattern",),
        "function": words(
            "function_definition function_declaration method_definition method_declaration method "
            "singleton_method constructor_declaration local_function_statement"
        ),
        "lambda": words(
            "lambda arrow_function function_expression lambda_expression anonymous_function "
            "anonymous_function_creation_expression lambda_literal annotated_lambda func_literal "
            "do_block block_literal anonymous_method_expression"
        ),
        "either": words("ternary_expression conditional_expression conditional"),
        "return": words("return_statement return_expression return jump_expression"),
        "comment": words("comment line_comment block_comment"),
    }.items()
    for kind in names
}
_OBJECT = words("object expression operand receiver scope value argument")
_NAME = words("attribute property field method name")
_FUNCTION = words("function constructor type")
_WRAPPED = words("await_expression parenthesized_expression non_null_expression")
MOST_SECONDS = 1.0  # that one grammar may take for one text
_RARE = 3  # the signs of a language without grammar are few, and its alone
_ESCAPES = dict(
    zip("ntrbfv0e\n", ("\n", "\t", "\r", "\b", "\f", "\v", "\0", "\x1b", ""), strict=True)
)
_HEX = re.compile(r"\\(?:x|u|U)\{?([0-9a-fA-F]{1,8})\}?\Z")


@cache
def parser_of(language: str) -> Any:
    """Return the parser of a language, or None when it has no grammar here."""
    known = LANGUAGES.get(language)
    module, _, function = known.grammar.rpartition(".") if known else ("", "", "")
    if not module:
        return None
    try:
        tree_sitter, grammar = import_module("tree_sitter"), import_module(module)
    except ImportError:
        return None
    return tree_sitter.Parser(tree_sitter.Language(getattr(grammar, function)()))


def by_signs(text: str) -> list[str]:
    """Return the languages of which a text shows signs, those with the most first."""
    counts = {
        name: len(one.signs.findall(text)) * (1 if one.grammar else _RARE)
        for name, one in LANGUAGES.items()
    }
    return sorted((name for name in counts if counts[name]), key=lambda name: -counts[name]) or [
        "javascript"
    ]


def parsed(language: str, text: str) -> Node:
    """
    Return the root of the tree of some code, or None when a grammar finds no end of it.

    Some texts send the error recovery of a grammar around for minutes.
    """
    parser, source = parser_of(language), text.encode("utf-8", "replace")
    end = monotonic() + MOST_SECONDS
    try:
        tree = parser.parse(
            lambda at, _: source[at : at + 4096],
            progress_callback=lambda *_: monotonic() > end,
        )
    except ValueError:
        parser.reset()
        return None
    return tree.root_node


def errors(node: Node) -> int:
    """Return how many bytes of a tree its grammar could not take, and pieces it missed."""
    if not node.has_error:
        return 0
    if node.is_error or node.is_missing:
        return max(1, int(node.end_byte - node.start_byte))
    return sum(errors(one) for one in node.children)


def lexer_of(language: str) -> str:
    """Return what Pygments calls a language."""
    return LANGUAGES[language].lexer if language in LANGUAGES else "text"


def said(language: str) -> str:
    """Return the name of a language at the start of a sentence."""
    names = {
        "csharp": "C#",
        "vba": "VBA",
        "php": "PHP",
        "objective-c": "Objective-C",
        "": "This code",
    }
    return names.get(language, language.capitalize())


def text_of(node: Node) -> str:
    """Return the source of a node."""
    return str(node.text.decode("utf-8", "replace")) if node is not None else ""


def child(node: Node, *fields: str) -> Node:
    """Return the child in the first of some fields that is there, or None."""
    return next(
        (found for name in fields if (found := node.child_by_field_name(name)) is not None), None
    )


def inner(node: Node) -> list[Node]:
    """Return the named children that are no comments."""
    return [one for one in node.named_children if KINDS.get(one.type) != "comment"]


def object_and_name(node: Node) -> tuple[Node, str]:
    """Return what a member is taken from, and its name."""
    parts = inner(node)
    holder = child(node, *_OBJECT) or (parts[0] if len(parts) > 1 else None)
    name = child(node, *_NAME) or (parts[-1] if parts else None)
    return holder, plain_name(text_of(name))


def plain_name(text: str) -> str:
    """Return a name without the marks that some languages put around it."""
    return text.strip("$@&#?!.:\\ \t\n'\"").rpartition("\\")[2]


def name_of(node: Node) -> str:
    """Return the name that a word is: the last part of a path, without type arguments."""
    text = text_of(node).partition("<")[0].strip()
    return plain_name(re.split(r"::|\.|\\", text)[-1])


def callee(node: Node) -> tuple[Node, str, str]:
    """Return what a call is made on (or None), its name, and the path of names as written."""
    function = child(node, *_FUNCTION)
    holder, name = child(node, "object", "receiver", "scope"), child(node, "name", "method")
    if function is None and name is None:
        parts = [one for one in inner(node) if "argument" not in one.type]
        function = parts[0] if parts else node
    while function is not None and function.type in _WRAPPED and inner(function):
        function = inner(function)[0]
    if name is not None and function is None:
        path = f"{text_of(holder)}.{text_of(name)}" if holder is not None else text_of(name)
        return holder, plain_name(text_of(name)), _path(path)
    is_new = "new" in node.type or "creation" in node.type
    while KINDS.get(function.type) == "call" and not is_new and child(function, "function") is None:
        return function, "", ""
    path = _path(text_of(function)) + (".new" if is_new else "")
    if KINDS.get(function.type) == "member" and not is_new:
        holder, last = object_and_name(function)
        return holder, last, path
    return None, "new" if is_new else plain_name(_path(text_of(function)).rpartition(".")[2]), path


def _path(text: str) -> str:
    if len(text) > 4000:
        text = text[-4000:]
    text = re.sub(r"<[\w<>?,. \[\]]*>", "", text)
    return re.sub(r"\s|[$&?!]", "", re.sub(r"::|->|\\", ".", text)).lstrip(".")


def arguments(node: Node) -> Iterator[tuple[str, Node]]:
    """Yield the arguments of a call: its name or nothing, and its value."""
    listed = child(node, "arguments") or next(
        (one for one in node.named_children if "argument" in one.type and "type" not in one.type),
        None,
    )
    for one in inner(listed) if listed is not None else ():
        parts = inner(one)
        if one.type in ("argument", "value_argument"):
            name = child(one, "name")
            if name is None and one.type == "value_argument" and len(parts) == 2:
                name = parts[0]
            yield text_of(name), parts[-1] if parts else one
        elif one.type == "keyword_argument":
            yield text_of(child(one, "name")), child(one, "value")
        else:
            yield "", one


def pairs(node: Node) -> Iterator[tuple[Node, Node]]:
    """Yield key and value of each entry of a table; an entry without key has None for it."""
    parts = inner(node)
    if node.type == "anonymous_object_creation_expression":
        yield from _anonymous(node)
        return
    for one in parts:
        below = inner(one)
        if one.type in ("pair", "keyed_element", "array_element_initializer"):
            key = child(one, "key") or (below[0] if len(below) > 1 else None)
            yield key, child(one, "value") or (below[-1] if below else None)
        elif one.type == "shorthand_property_identifier":
            yield one, one
        elif one.type == "initializer_expression" and len(below) == 2:
            yield below[0], below[1]
        elif KINDS.get(one.type) == "assign":
            yield child(one, "left") or below[0], child(one, "right") or below[-1]
        else:
            yield None, one


def _anonymous(node: Node) -> Iterator[tuple[Node, Node]]:
    """Yield the entries of `new { a = 1, b, c.d }` of C#."""
    key = None
    for one in node.children:
        if one.type == "=":
            continue
        if not one.is_named:
            if key is not None and one.type in (",", "}"):
                yield key, key
                key = None
        elif key is None:
            key = one
        else:
            yield key, one
            key = None


def unescaped(text: str) -> str:
    """Return what an escape sequence stands for."""
    if match := _HEX.match(text):
        number = int(match[1], 16)
        return chr(number) if number < 0x110000 else "\ufffd"
    if text[:1] != "\\":
        return text[:1] if text in ("{{", "}}", '""', "$$") else text
    return _ESCAPES.get(text[1:2], text[1:])


def text_parts(node: Node, heredocs: dict[int, Node]) -> Iterator[str | Node]:
    """Yield the pieces of a text: strings, and nodes whose values stand there."""
    kind = node.type
    if kind == "heredoc_beginning":
        yield from _heredoc(node, heredocs)
    elif kind in ("concatenated_string", "chained_string"):
        for one in inner(node):
            yield from text_parts(one, heredocs)
    elif kind == "simple_symbol":
        yield text_of(node).lstrip(":")
    elif kind == "verbatim_string_literal":
        yield text_of(node)[2:-1].replace('""', '"')
    elif kind == "raw_string_literal" and text_of(node).startswith('"""'):
        yield textwrap.dedent(text_of(node).strip('"'))
    elif kind == "raw_string_literal":
        yield text_of(node).strip("`")
    else:
        yield from _fragments(node)


def _heredoc(node: Node, heredocs: dict[int, Node]) -> Iterator[str | Node]:
    body = heredocs.get(node.start_byte)
    yield from _fragments(body) if body is not None else ()


def _fragments(node: Node) -> Iterator[str | Node]:
    start = text_of(node)[:4].partition('"')[0]
    is_verbatim = "@" in start and node.type == "interpolated_string_expression"
    is_format = "$" in start and node.type == "interpolated_string_expression"
    for one in node.children:
        kind = one.type
        if "content" in kind or "fragment" in kind or kind == "heredoc_body":
            if one.child_count:
                yield from _nested(one)
                continue
            text = text_of(one)
            text = text.replace('""', '"') if is_verbatim else text
            yield text.replace("{{", "{").replace("}}", "}") if is_format else text
        elif "escape" in kind:
            yield unescaped(text_of(one))
        elif kind in ("interpolation", "template_substitution"):
            value = child(one, "expression") or next(iter(_values(one)), None)
            if value is not None:
                yield value
        elif one.is_named and not kind.endswith(("start", "end", "interpolation_start")):
            yield one


def _values(node: Node) -> Iterator[Node]:
    return (one for one in inner(node) if "brace" not in one.type and "format" not in one.type)


def _nested(node: Node) -> Iterator[str | Node]:
    """Yield the parts of a content node that holds escapes among its characters."""
    source, at = node.text, 0
    for one in node.children:
        start = one.start_byte - node.start_byte
        if start > at:
            yield source[at:start].decode("utf-8", "replace")
        if "escape" in one.type:
            yield unescaped(text_of(one))
        elif one.is_named and "content" not in one.type and "fragment" not in one.type:
            yield from (_values(one) if one.type == "interpolation" else [one])
        else:
            yield text_of(one)
        at = one.end_byte - node.start_byte
    if at < len(source):
        yield source[at:].decode("utf-8", "replace")
