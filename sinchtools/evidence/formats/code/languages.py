"""The languages that code is read in: their signs, grammars and the kinds of their nodes."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from sinchtools.evidence.pieces import words


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
MOST_SECONDS = 1.0  # that one grammar may take for one text
_RARE = 3  # the signs of a language without grammar are few, and its alone


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
