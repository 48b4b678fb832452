"""The languages that code is read in: their signs, grammars and the kinds of their nodes."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from sinchtools.evidence.pieces import words
from sinchtools.evidence.row_tables import by_word, rows_of


class Language(NamedTuple):
    """How a language is known, which grammar parses it, and what Pygments calls it."""

    signs: re.Pattern[str]
    grammar: str  # module and function of tree_sitter, empty when there is none
    lexer: str
    tags: tuple[str, ...]  # after the fence in Markdown


def _language(row: str, folded: str) -> tuple[str, Language]:
    name, grammar, lexer, tags, *signs = re.split(" {2,}", row, maxsplit=4)
    pattern = re.compile("".join((*signs, folded)), re.MULTILINE)
    return name, Language(pattern, grammar.strip("-"), lexer.strip("-"), words(tags))


# name, grammar, lexer, tags and signs
LANGUAGES = dict(
    _language(*row)
    for row in rows_of(r"""
python  python.language  python  python py python3 ipython
    ^[ \t]*(?:import [\w., ]+$|from [\w.]+ import |def \w+\(|with .*:$|print\(|async with )
    |\b(?:requests|httpx|aiohttp|urllib|json\.dumps|os\.environ|os\.getenv)\b|f[\"']|http\.client
    |[(,][ \t]?\w+=[\"'\[{\w]|\w\([^)\n]{0,300}\b(?:json|headers|data|auth)=|^[ \t]*#
javascript  typescript.language_tsx  typescript  js javascript ts typescript jsx tsx node mjs gs
    \b(?:const|let|var) [\w{\[$]|[)\w] ?=> |\bawait |\b(?:axios|fetch|require|JSON\.stringify
    |\$\.ajax|XMLHttpRequest|UrlFetchApp|process\.env|console\.log|superagent|https?\.request)\b
    |\bfunction\b ?\w*\(|`[^`\n]*\$\{|^[ \t]*import .* from ['\"]
php  php.language_php_only  php  php
    <\?php|\$\w+ *= *|->\w+\(|\bcurl_\w+\(|CURLOPT_|=> *['\"\[$]|\barray\(|Http::|<<<['\"]?\w
java  java.language  java  java
    [)\w]\.builder\(\)|^[ \t]*(?:import [\w.*]+;|public |private |@\w+)|\bnew \w+(?:\.\w+)*[<(]
    |\bString \w+ *=|\b(?:HttpRequest|HttpClient|OkHttpClient|RequestBody|MediaType|Unirest
    |RestTemplate|HttpHeaders|HttpURLConnection|URI\.create|System\.\w+|Map\.of|List\.of
    |WebClient)\b|^[ \t]*[A-Z]\w*(?:<[\w, <>?]+>)? \w+ =<SPACE>
kotlin  kotlin.language  kotlin  kotlin kt kts
    ^[ \t]*va[lr] \(|\"[ \t]to[ \t]\"|\bva[lr] \w+(?: ?: ?\w+)? ?=|\bfun \w+\(|\bmapOf\(|\blistOf\(
    |println\(|\bbearerAuth\(|\bsetBody\(|\btoRequestBody\(|\bcontentType\(|\bdata class
     |trimIndent\(|\bpost\([^\n]*\) \{
csharp  c_sharp.language  csharp  csharp cs c# dotnet
    ^[ \t]*using [\w.]+;|\$@?\"|@\"|\bnew (?:HttpClient|RestClient|RestRequest|StringContent
    |HttpRequestMessage|Uri|Dictionary|List|\{|\[\])|\bPostAs\w+|SendAsync|Encoding\.UTF8
    |JsonConvert|JsonSerializer|JsonContent|Console\.Write|\busing (?:var|\()|WebRequest
    |AuthenticationHeaderValue|GetStringAsync|DefaultRequestHeaders|\bstring \w+ =
go  go.language  go  go golang
    ^package \w+|:= |\bfunc \w*\(|\bhttp\.(?:NewRequest|Post|Get|Method)|\bfmt\.|\[\]string
    |map\[string\]|\berr != nil|\.Header\.(?:Set|Add)\(|resty\.New|strings\.NewReader
ruby  ruby.language  ruby  ruby rb
    ^[ \t]*require ['\"]|\bNet::HTTP|\bFaraday|\bHTTParty|\bRestClient|\bENV\[|#\{|\bdo \|\w+\|$
    |^[ \t]*end$|^[ \t]*puts |\.to_json\b|<<~\w|\bExcon\b|JSON\.generate|URI\(|\bdef \w+$
vba  -  vbnet  vb vba vbnet vbscript basic
    ^[ \t]*(?:Dim |Set \w+ = |End Sub|Sub |Function )|CreateObject\(|XMLHTTP|\" &<SPACE>
c  -  cpp  c cpp c++  curl_easy_\w+|^#include|\bconst char|\bcpr::|\bweb_\w+\(\"
elixir  -  elixir  elixir ex exs
    HTTPoison|Tesla\.|\bReq\.\w+!?\(|Jason\.|%\{|\|> |defmodule |Finch\.
dart  -  dart  dart flutter
    Uri\.parse\(|\bhttp\.(?:Request|post|get)\(|\bFuture<|package:http|jsonEncode\(|Dio\(
swift  -  swift  swift
    URLRequest\(|URLSession|\bURL\(string:|\.httpMethod|\.httpBody|\bguard let<SPACE>
rust  -  rust  rust rs  reqwest|\blet mut |\bfn \w+\(|::new\(\)|json!\(|\.await\?|ureq::|Result<
lua  -  lua  lua  \blocal \w+ *=|socket\.http|ltn12|resty\.http|[\w\"] \.\. [\w\"]
perl  -  perl  perl pl  \bmy [$%@]|LWP::UserAgent|HTTP::Request|^use \w+|encode_json
objective-c  -  objective-c  objc objectivec  NSMutableURLRequest|NSURL|NSString|\[\[?\w+ \w+:@
r  -  r  r  httr|<- |add_headers\(|library\(
scala  -  scala  scala  \bsttp|basicRequest|uri\"
groovy  -  groovy  groovy  \bdef \w+ =|HTTPBuilder|\.openConnection\(\)
julia  -  julia  julia jl  ^using HTTP|\bDict\(\"|JSON3?\.(?:json|write)\(
matlab  -  matlab  matlab m  \bweb(?:options|write|read)\(
clojure  -  clojure  clojure clj  \((?:client|http|clj-http\.client)/|:headers \{|\(require<SPACE>
haskell  -  haskell  haskell hs  \bsetRequest\w+|<- http\w+|\bparseRequest
erlang  -  erlang  erlang erl  \bhttpc:request|\bhackney:|\bibrowse:|<<\"
apex  -  -  apex  \.setEndpoint\(|HttpRequest \w+ = new HttpRequest\(\)|System\.debug\(
delphi  -  delphi  delphi pascal
    \bTIdHTTP|\bTStringStream|\bTRESTRequest|\bTNetHTTP|^procedure<SPACE>
fsharp  -  fsharp  fsharp fs f#
    ^open [A-Z]\w+|FsHttp|^http \{|\|> [A-Z]\w+\.|^#r \"
    |^[ \t]*let!? (?:mutable )?\w+ =|printfn|task \{|async \{|<- \w+\(
autohotkey  -  -  ahk autohotkey  \bComObj(?:ect|Create)\(|\bMsgBox[ ,%]+\w|\bFileAppend\b
nim  -  nim  nim  newHttp\w+\(|newAsyncHttp\w+|%\*[{\[]|^import std/|\bproc \w+\(
crystal  -  crystal  crystal cr  HTTP::(?:Client|Headers)\b
ocaml  -  ocaml  ocaml ml  Cohttp|Lwt\b|\bUri\.of_string|>>= fun|let%lwt
zig  -  zig  zig  @import\(\"std\"\)|std\.http|try client\.
tcl  -  tcl  tcl  http::geturl|package require|^set \w+<SPACE>
lisp  -  common-lisp  lisp cl elisp scheme
    \((?:dexador|dex|drakma):|\bdrakma:|\(setq |\(defun |\burl-re(?:trieve|quest)
racket  -  racket  racket  #lang racket|net/http|\(define<SPACE>
sql  -  sql  sql plsql tsql psql
    (?i:\butl_http\.|\bsp_OAMethod\b|\bsp_invoke_external_rest|\bmake_rest_request\b
    |\bhttp_(?:post|get|put|patch|delete|header|request)\b|\bvarchar2?\(|^declare\b)
powerquery  -  -  pq m powerquery  \bWeb\.Contents\(|\bJson\.Document\(|#\"[\w -]+\" =
coldfusion  -  -  cfm coldfusion  <cfhttp(?:param)?\b
""")
)
# the kinds of the nodes of the grammars
KINDS = by_word("""
text: string concatenated_string template_string encapsed_string heredoc nowdoc string_literal
      character_literal multiline_string_literal verbatim_string_literal raw_string_literal
      interpolated_string_expression interpreted_string_literal heredoc_beginning chained_string
      simple_symbol
number: integer float number decimal_integer_literal decimal_floating_point_literal
      integer_literal real_literal int_literal float_literal number_literal
constant: true false null none nil undefined boolean_literal null_literal boolean True False None
word: identifier constant name variable_name type_identifier instance_variable qualified_name
      global_variable simple_identifier class_variable scoped_type_identifier this self
      qualified_type scoped_identifier this_expression shorthand_property_identifier
member: attribute member_expression member_access_expression nullsafe_member_access_expression
      field_access navigation_expression selector_expression scope_resolution
      class_constant_access_expression scoped_property_access_expression
      conditional_access_expression
index: subscript subscript_expression index_expression element_reference array_access
      element_access_expression
call: call call_expression function_call_expression member_call_expression
      nullsafe_member_call_expression scoped_call_expression method_invocation
      invocation_expression new_expression object_creation_expression
      implicit_object_creation_expression
list: list tuple array array_initializer implicit_array_creation_expression set collection_literal
      collection_expression string_array symbol_array
table: dictionary object hash anonymous_object_creation_expression
php_array: array_creation_expression
composite: composite_literal literal_value initializer_expression
join: binary_operator binary_expression binary additive_expression infix_expression
assign: assignment assignment_expression variable_declarator assignment_statement
      short_var_declaration var_spec const_spec const_element property_element
      property_declaration field_definition public_field_definition augmented_assignment
      augmented_assignment_expression operator_assignment named_expression resource
alias: as_pattern
function: function_definition function_declaration method_definition method_declaration method
      singleton_method constructor_declaration local_function_statement
lambda: lambda arrow_function function_expression lambda_expression anonymous_function
      anonymous_function_creation_expression lambda_literal annotated_lambda func_literal do_block
      block_literal anonymous_method_expression
either: ternary_expression conditional_expression conditional
return: return_statement return_expression return jump_expression
comment: comment line_comment block_comment
""")
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
        tree_sitter = import_module("tree_sitter")
        grammar = import_module(f"tree_sitter_{module}")
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


_SAID = {
    "csharp": "C#",
    "vba": "VBA",
    "php": "PHP",
    "objective-c": "Objective-C",
    "sql": "SQL",
    "fsharp": "F#",
    "powerquery": "Power Query",
    "autohotkey": "AutoHotkey",
    "": "This code",
}


def said(language: str) -> str:
    """Return the name of a language at the start of a sentence."""
    return _SAID.get(language, language.capitalize())
