"""The lines that loggers, gateways and servers write of one call: three samples of each form."""

import json
from collections.abc import Iterator
from string import Template
from typing import Any

import pandas as pd

URL = "https://eu.sms.api.sinch.com/xms/v1/plan7/batches"
ROUTES = ("/batches", "/batches/dry_run", "/batches/01HX{i}", "/groups", "/inbounds", "/nowhere")
ERROR = {403: ("unknown_group", "No such group"), 400: ("syntax_invalid_json", "Not JSON")}


def calls(seed: Any) -> Iterator[dict[str, Any]]:
    """Return facts of some calls, other ones for each seed."""
    for i in range(12):
        status = (201, 200, 403, 400, 503)[(i * seed + i) % 5]
        code, text = ERROR.get(status, (None, None))
        body = {"code": code, "text": text} if code else {"id": f"01HX{i}"}
        yield {
            "at": f"2024-0{seed + 3}-1{i % 9}T0{i % 10}:3{i % 6}:05.{i}00",
            "method": ("POST", "GET", "DELETE")[(i + seed) % 3],
            "path": "/xms/v1/plan7" + ROUTES[(i + seed) % 6].format(i=i),
            "status": status,
            "body": json.dumps(body),
            "ms": 17 * i * seed + 3,
        }


def own(one: Any, seed: Any) -> str:
    row = {"id": f"{seed}-{one['ms']}", "at": one["at"] + "Z", "method": one["method"]}
    row |= {"url": URL[:28] + one["path"], "status": one["status"], "elapsed_ms": one["ms"]}
    return json.dumps(row | ({"response_body": one["body"]} if seed > 1 else {}))


def flat(one: Any, seed: Any) -> str:
    names = (
        ("timestamp", "method", "url", "status", "response_body", "duration_ms"),
        ("ts", "http_method", "request_url", "statusCode", "responseBody", "elapsed"),
        ("@timestamp", "verb", "endpoint", "response_status", "resp_body", "latency_s"),
    )[seed - 1]
    at = (one["at"] + "Z", 1717236000123 + one["ms"], one["at"].replace("T", " ").replace(".", ","))
    url = "https://us.sms.api.sinch.com" + one["path"]
    span = (one["ms"], one["ms"] + 0.5, one["ms"] / 1000)
    values = (at[seed - 1], one["method"], url, one["status"], one["body"], span[seed - 1])
    return json.dumps(dict(zip(names, values, strict=True)) | {"level": "info", "logger": "x"})


def nested(one: Any, seed: Any) -> str:
    request = {"method": one["method"], "url": "https://br.sms.api.sinch.com" + one["path"]}
    if seed == 1:
        http = {"request": request, "response": {"status_code": one["status"], "body": one["body"]}}
        return json.dumps(
            {"time": one["at"] + "+02:00", "http": http, "duration": f"{one['ms']}ms"}
        )
    if seed == 2:
        response = {"status": one["status"], "data": json.loads(one["body"])}
        told = {"req": request, "res": response, "responseTime": one["ms"]}
        return json.dumps({"time": 1717236000 + one["ms"], "level": 30, "msg": "done", **told})
    message = {"request": request, "response": {"status": one["status"], "body": one["body"]}}
    return json.dumps({"t": one["at"] + "Z", "message": json.dumps(message)})


def dotted(one: Any, seed: Any) -> str:
    names = ("http.request.method", "http.response.status_code", "url.full", "event.duration")
    if seed == 1:
        values = (one["method"], one["status"], "https://au.sms.api.sinch.com" + one["path"],
                  one["ms"] * 1_000_000)  # fmt: skip
        told = {"@timestamp": one["at"] + "Z", "http.response.body.content": one["body"]}
        return json.dumps(dict(zip(names, values, strict=True)) | told)
    if seed == 2:
        told = {"req.method": one["method"], "req.path": one["path"], "res.status": one["status"]}
        return json.dumps(told | {"req.host": "eu.sms.api.sinch.com", "time": one["at"] + "Z"})
    told = {"attributes.http.method": one["method"], "attributes.http.target": one["path"]}
    return json.dumps(told | {"attributes.http.status_code": str(one["status"]), "at": one["at"]})


def csv(one: Any, seed: int, separator: str = ",") -> str:
    host = "https://us.sms.api.sinch.com"
    quoted = '"' + one["body"].replace('"', '""') + '"'
    cells = (
        (one["at"] + "Z", one["method"], host + one["path"], one["status"], one["ms"], quoted),
        (one["at"][:10], one["at"][11:19], one["method"], one["path"], one["status"], "-"),
        (one["status"], "x y", one["at"].replace("T", " ")[:19], host + one["path"], one["method"]),
    )[seed - 1]
    return separator.join(map(str, cells))


HEADS = (
    "timestamp,method,url,status,duration_ms,response_body",
    "date,time,verb,path,http_status,note",
    "Status Code,Note,When,URL,Method",
)


def combined(one: Any, seed: Any, host: Any = "") -> Any:
    at = pd.Timestamp(one["at"]).strftime("%d/%b/%Y:%H:%M:%S")
    line = (
        f"{host}10.1.2.{one['ms'] % 200} - {'-' if seed < 3 else 'jo'} [{at} +0{seed}00] "
        f'"{one["method"]} {one["path"]} HTTP/1.1" {one["status"]} {one["ms"]}'
    )
    more = (' "-" "agent \\"x\\" 1.0"', "", f' "-" "agent/2" {one["ms"] / 1000:.3f}')[seed - 1]
    return line + more


FACTS = {
    "day": "%Y-%m-%d", "clock": "%H:%M:%S", "clf": "%d/%b/%Y:%H:%M:%S", "slashed": "%Y/%m/%d",
    "bsd": "%b %d %H:%M:%S", "php": "%a %b %d %H:%M:%S %Y", "short": "%y%m%d %H:%M:%S",
}  # fmt: skip


def filled(template: Any, one: Any) -> Any:
    """Return a line: `at` and other forms of its time, and what else is known of the call."""
    at = pd.Timestamp(one["at"][:19], tz="UTC")
    known = {name: at.strftime(form) for name, form in FACTS.items()}
    known |= one | {"at": one["at"][:19], "epoch": int(at.timestamp()), "s": one["ms"] / 1000}
    known |= {"url": "https://us.sms.api.sinch.com" + one["path"], "ns": one["ms"] * 1_000_000}
    known["quoted"] = json.dumps(one["body"])
    return Template(template).substitute(known)


TRAEFIK = (
    '{"DownstreamStatus": $status, "Duration": $ns, "RequestHost": "eu.sms.api.sinch.com", '
    '"RequestMethod": "$method", "RequestPath": "$path", "time": "${at}Z"'
)
CADDY = (
    '"request": {"method": "$method", "host": "eu.sms.api.sinch.com", "uri": "$path"}, '
    '"logger": "http.log.access", "status": $status'
)
CLF = (
    '10.0.0.9 - - [$clf +0000] "$method $path HTTP/1.1" $status 30 "https://shop.example/" "a/1.0"'
)
ENVOY = '[${at}.123Z] "$method $path HTTP/1.1" $status'
BEHIND_ENVOY = '"-" "agent/1" "id-$ms" "eu.sms.api.sinch.com" "10.0.0.1:80"'
ALB = '203.0.113.9:40 10.0.0.1:80 0.001 $s 0.000 $status $status 3 36 "$method $url HTTP/1.1" "a" -'
CLOUDFRONT = (
    "#Version: 1.0\n#Fields: date\ttime\tx-edge-location\tsc-bytes\tc-ip\tcs-method\tcs(Host)\t"
    "cs-uri-stem\tsc-status\tcs(User-Agent)\tcs-uri-query\tx-host-header\tcs-protocol\ttime-taken"
)
TEMPLATES = {  # three samples of each form, and the lines above them
    "logfmt": (
        "time=${at}Z level=info msg=done method=$method url=$url status=$status duration=${ms}ms",
        "ts=${at}Z http.method=$method http.url=$url http.status_code=$status body=$quoted ms=$ms",
        "$day $clock INFO sms - method=$method, path=$path, status=$status, elapsed=${ms}ms",
    ),
    "JSON behind a prefix": (
        'sms-gateway-1  | {"time": "${at}Z", "verb": "$method", "url": "$url", "status": $status}',
        '<134>1 ${at}Z web shop 42 - - {"req": {"method": "$method", "url": "$url"}, '
        '"res": {"status": $status, "body": $quoted}}',
        '${at}.123456789Z stdout F {"method": "$method", "path": "$path", "status": $status}',
    ),
    "JSON behind words": (
        '$day $clock,123 INFO [main] shop.Sms - {"method": "$method", "url": "$url", '
        '"status": $status, "duration_ms": $ms}',
        '[${at}Z] DEBUG sms: done {"method": "$method", "path": "$path", "status": $status}',
        '${at}Z INFO sms {"method": "$method", "url": "$url", "status": $status}',
    ),
    "other lines behind a prefix": (
        "$bsd web nginx: " + CLF,
        "${at}.123456789Z stderr F level=info method=$method url=$url status=$status ms=$ms",
        '[pod/sms/web] [GIN] $slashed - $clock | $status | ${ms}ms | 10.0.0.9 | $method "$path"',
    ),
    "CloudFront": tuple(
        "$day\t$clock\tFRA50-C1\t312\t203.0.113.7\t$method\td1.cloudfront.net\t$path\t$status\t"
        + agent
        + "\t-\teu.sms.api.sinch.com\thttps\t$s"
        for agent in ("agent", "curl/8.5.0", "Mozilla/5.0%20(X11)")
    ),
    "IIS": (
        "$day $clock 10.0.0.4 $method $path - 443 - 203.0.113.9 agent+1 - $status 0 0 $ms",
        "$day $clock $method $path - $status $ms",
        "$day $clock W3SVC1 SRV $method $path api.shop.example $status 64 $ms",
    ),
    "ALB": (
        "https ${at}.123456Z app/lb/50dc " + ALB + " TLSv1.2 arn:aws:x",
        "h2 ${at}.123456Z app/lb/50dc " + ALB.replace("10.0.0.1:80", "10.0.0.2:80") + " TLSv1.3 a",
        "${at}.123456Z lb " + ALB + " TLSv1.2",
    ),
    "API Gateway": (
        '{"requestId": "id$ms", "requestTime": "$clf +0000", "httpMethod": "$method", '
        '"path": "$path", "status": "$status", "responseLatency": "$ms"}',
        '{"requestTimeEpoch": ${epoch}000, "httpMethod": "$method", "path": "$path", "status": '
        '$status, "domainName": "eu.sms.api.sinch.com", "integrationLatency": $ms}',
        '{"requestTime": "$clf +0000", "routeKey": "$method /{proxy+}", "httpMethod": "$method", '
        '"path": "$path", "status": $status, "responseLatency": $ms}',
    ),
    "Envoy as JSON": (
        '{"start_time": "${at}.123Z", "method": "$method", "path": "$path", "response_code": '
        '$status, "duration": $ms, "authority": "eu.sms.api.sinch.com", "response_flags": "-"}',
        '{"start_time": "${at}.123Z", "method": "$method", "path": "$path", "response_code": '
        '$status, "duration": $ms, "authority": null}',
        '{"startTime": "${at}Z", "requestMethod": "$method", "requestPath": "$path", '
        '"responseCode": "$status", "responseDuration": $ms}',
    ),
    "Envoy": (
        f"{ENVOY} - 12 30 $ms 1 {BEHIND_ENVOY}",
        f"{ENVOY} UF 12 30 $ms - {BEHIND_ENVOY}",
        f'{ENVOY} - via_upstream - "-" 12 30 $ms 1 {BEHIND_ENVOY}',
    ),
    "Traefik": (
        TRAEFIK + ', "OriginStatus": $status, "StartUTC": "${at}.5Z"}',
        TRAEFIK + ', "RequestScheme": "https", "entryPointName": "web"}',
        CLF + ' $ms "sms@docker" "http://10.0.0.1:80" ${ms}ms',
    ),
    "Caddy": (
        '{"level": "info", "ts": $epoch.25, ' + CADDY + ', "duration": $s, "size": 30}',
        '{"level": "error", "ts": "$slashed $clock.250", ' + CADDY + ', "duration": $s}',
        '{"ts": "${at}+0200", ' + CADDY + ', "duration": "${ms}ms"}',
    ),
    "morgan": (
        "$method $path $status $ms.123 ms - $ms",
        "$method $path $status - - $ms.5 ms",
        "::ffff:10.0.0.9 - $method $path HTTP/1.1 $status 30 - $ms.5 ms",
    ),
    "Gin": (
        '[GIN] $slashed - $clock | $status |     $ms.123ms |      10.0.0.9 | $method  "$path"',
        "[GIN] $slashed - $clock | $status | $ms.5µs | 10.0.0.9 | $method     $path",
        "$clock | $status |    ${ms}ms | 10.0.0.9 | $method | $path | -",
    ),
    "nginx": (
        CLF + ' rt=$s uct="0.001" urt="$s"',
        CLF + ' "-"',
        CLF + " 412 $s [sms-80] [] 10.0.0.1:80 30 $s $status abc",
    ),
    "HAProxy": (
        '$bsd lb haproxy[12]: 10.0.0.9:40 [$clf.123] fe be/s1 0/0/1/2/$ms $status 30 - - ---- '
        '1/1/0/0/0 0/0 "$method $path HTTP/1.1"',
        '10.0.0.9:40 [$clf.123] fe be/s 0/1/2/$ms $status 3 - - -- 1/1 "$method $path HTTP/1.1"',
        '10.0.0.9:40 [$clf.123] fe be/s 0/1/2/+$ms $status 3 - - -- 1/1 "$method $path HTTP/2.0"',
    ),
    "squid": tuple(
        f"$epoch.123    $ms 10.0.0.9 {kind}/$status 30 $method $url - HIER_DIRECT/10.0.0.1 -"
        for kind in ("TCP_MISS", "TCP_TUNNEL", "TCP_REFRESH_MODIFIED")
    ),
    "uvicorn": (
        'INFO:     10.0.0.9:4000 - "$method $path HTTP/1.1" $status OK',
        '$day $clock,123 INFO uvicorn.access 10.0.0.9:40 - "$method $path HTTP/1.1" $status',
        '$slashed $clock [a/b-1] "$method $url HTTP/1.1" from 10.0.0.9:40 - $status 3B in $ms.5ms',
    ),
    "tornado": (
        "[I $short web:2348] $status $method $path (10.0.0.9) $ms.10ms",
        "$day $clock,001 - tornado.access - INFO - $status $method $path (::1) $ms.00ms",
        "$status $method $path (127.0.0.1) $ms.5ms",
    ),
    "PHP": tuple(
        f"[$php] {one} [$status]: $method $path" for one in ("127.0.0.1:4", "[::1]:4", "1.1.1.1:2")
    ),
    "ASP.NET": (
        "${at}Z info: Request finished HTTP/1.1 $method $url - $status 30 text/json $ms.25ms",
        "      Request finished HTTP/2 $method $url application/json 12 - $status - - $ms.5ms",
        "$day $clock.100 [INF] Request finished in $ms.5ms $status application/json",
    ),
}  # fmt: skip
ABOVE = {
    "CloudFront": (CLOUDFRONT,) * 3,
    "IIS": (
        "#Software: Microsoft IIS 10.0\n#Fields: date time s-ip cs-method "
        "cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status "
        "sc-substatus sc-win32-status time-taken",
        "#Fields: date time cs-method cs-uri-stem cs-uri-query sc-status time-taken",
        "#Fields: date time s-sitename s-computername cs-method cs-uri-stem cs-host sc-status "
        "sc-win32-status time-taken",
    ),
}
WRITTEN = {
    "own": ("jsonl", own, None),
    "flat": ("jsonl", flat, None),
    "nested": ("log", nested, None),
    "dotted": ("json", dotted, None),
    "csv": ("csv", csv, lambda seed: HEADS[seed - 1]),
    "tsv": ("tsv", lambda one, seed: csv(one, seed, "\t"),
            lambda seed: HEADS[seed - 1].replace(",", "\t")),
    "combined": ("log", combined, None),
    "vhost": ("txt", lambda one, seed: combined(one, seed, "zt.us.sms.api.sinch.com "), None),
}  # fmt: skip


def _template(name: Any) -> tuple[str, Any, Any]:
    above = ABOVE.get(name)
    return (
        "log",
        lambda one, seed: filled(TEMPLATES[name][seed - 1], one),
        above and (lambda seed: above[seed - 1]),
    )


FORMS = WRITTEN | {name: _template(name) for name in TEMPLATES}


def text_of(form: Any, seed: Any) -> str:
    _, line, head = FORMS[form]
    lines = [line(one, seed) for one in calls(seed)]
    return "\n".join([*([head(seed)] if head else []), *lines]) + "\n"
