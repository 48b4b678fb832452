"""
Evidence of every form, a secret in every place of it that can hold one.

Other tests vary, read and mutate it.
"""

import base64
import io
import json
import unicodedata
import zipfile
from collections.abc import Mapping
from typing import Any

BATCHES = "https://us.sms.api.sinch.com/xms/v1/plan/batches"
CURL = (
    f"curl -X POST {BATCHES} -H 'Content-Type: application/json' -d '{{\"to\":[\"+15551230001\"]}}'"
)
ERROR_BODY = '{"code": "missing_callback_url", "text": "No callback URL"}'
ROW = {"id": "row-1", "method": "POST", "url": BATCHES, "status": 403, "response_body": ERROR_BODY}
CANARY = "c4n4ryS3cr3t" * 2


def har(*entries: Any, **log: Any) -> str:
    return json.dumps({"log": {"version": "1.2", "entries": list(entries), **log}})


def entry(status: Any = 201, **change: Any) -> dict[str, Any]:
    request = {
        "method": "POST",
        "url": BATCHES,
        "headers": [{"name": "Authorization", "value": "Bearer abc123def456"}],
    }
    return {
        "startedDateTime": "2024-05-01T10:00:00Z",
        "request": request,
        "response": {"status": status},
        **change,
    }


def postman(request: object) -> str:
    return json.dumps({"info": {"name": "x"}, "item": [{"name": "one", "request": request}]})


def base64_of(content: str | bytes) -> str:
    return base64.b64encode(content.encode() if isinstance(content, str) else content).decode()


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """Return an archive of files by their names."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def obeyed(text: str) -> set[str]:
    """Return the characters of a text that a terminal or a page obeys, as hexadecimal."""
    return {
        f"{ord(c):x}"
        for c in text
        if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c not in "\n\t"
    }


ODD = (  # a text full of them
    "\x1b[31mred\x1b]0;title\x07\u202egnp.exe\u2066\x00\x08\x0d\x9b2J\u200b<script>alert(1)</"
    "script>"
)
SECRET_PLACES = {
    "curl-header": f"curl {BATCHES} -H 'Authorization: Bearer {CANARY}'",
    "curl-user": f"curl {BATCHES} -u key:{CANARY}",
    "curl-cookie": f"curl {BATCHES} -b sid={CANARY}",
    "curl-api-key": f"curl {BATCHES} -H 'X-Api-Key: {CANARY}'",
    "curl-body": f'curl {BATCHES} -d \'{{"password": "{CANARY}"}}\'',
    "curl-form": f"curl {BATCHES} --data-urlencode client_secret={CANARY}",
    "curl-multipart": f"curl {BATCHES} -F password={CANARY}",
    "curl-url": f"curl '{BATCHES}?access_token={CANARY}'",
    "curl-userinfo": f"curl https://user:{CANARY}@example.com/x",
    "curl-oauth": f"curl {BATCHES} --oauth2-bearer {CANARY}",
    "curl-unknown-option": f"curl {BATCHES} --tokn={CANARY} --{CANARY}",
    "curl-proxy": f"curl {BATCHES} -x http://u:{CANARY}@proxy",
    "curl-variable": f'TOKEN={CANARY}\ncurl {BATCHES} -H "Authorization: Bearer $TOKEN"',
    "powershell": f"$h = @{{ Authorization = 'Bearer {CANARY}' }}\nInvoke-RestMethod "
    f"-Uri {BATCHES} -Headers $h",
    "har-header": har(entry()).replace("abc123def456", CANARY),
    "har-set-cookie": har(
        entry(
            response={
                "status": 200,
                "headers": [{"name": "Set-Cookie", "value": f"a={CANARY}; Path=/\nb={CANARY}"}],
            }
        )
    ),
    "har-body": har(
        entry(response={"status": 200, "content": {"text": json.dumps({"access_token": CANARY})}})
    ),
    "har-cut": har(entry(), entry()).replace("abc123def456", CANARY)[:-150],
    "json-in-json": json.dumps(
        {**ROW, "request_body": json.dumps({"log": json.dumps({"token": CANARY})})}
    ),
    "sdk": f"DEBUG:Sinch:Sync HTTP request POST call with headers: {{'Authorization': "
    f"'Bearer {CANARY}'}} and body: {{\"a\": 1}} to URL: {BATCHES}",
    "http": f"POST {BATCHES} HTTP/1.1\nAuthorization: "
    f"Bearer {CANARY}\n\nclient_secret={CANARY}&a=1",
    "verbose": f"> POST /x HTTP/1.1\n> Authorization: Basic {CANARY}\n>\n< HTTP/1.1 401 "
    f"Unauthorized\n<",
    "logger": json.dumps(
        {
            "req": {
                "method": "GET",
                "url": f"/x?token={CANARY}",
                "headers": {"authorization": f"Bearer {CANARY}"},
            },
            "res": {"statusCode": 401},
        }
    ),
    "logfmt": f"method=GET path=/x?api_key={CANARY} status=401",
    "access-log": f'1.2.3.4 - - [01/May/2024:10:00:00 +0200] "GET /x?token={CANARY} HTTP/1.1" '
    f'404 12 "https://a/?access_token={CANARY}" "curl"',
    "table": f"method,url,status,note\nGET,/x?token={CANARY},401,x\nGET,/y,401,x\n",
    "error-text": json.dumps({"code": "x", "text": f"Bearer {CANARY} is not valid"}),
    "broken-json": f'{json.dumps(ROW)}\n{{"token": "{CANARY}',
    "postman": json.dumps(
        {
            "info": {},
            "item": [
                {
                    "request": {
                        "url": BATCHES,
                        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": CANARY}]},
                    }
                }
            ],
        }
    ),
    "python": f"import requests\nTOKEN = '{CANARY}'\nr = requests.post('{BATCHES}', "
    f"headers={{'Authorization': f'Bearer {{TOKEN}}'}}, json={{'to': ['+15551230001']}})",
    "python-auth": f"import httpx\nhttpx.post('{BATCHES}', auth=('key', '{CANARY}'), "
    f"data={{'client_secret': '{CANARY}'}})",
    "python-sdk": f"client = SinchClient(service_plan_id='plan', sms_api_token='{CANARY}')\n"
    "client.sms.batches.send(to=['+15551230001'], from_='1', body='Hi')",
    "javascript": f"const token = `{CANARY}`;\nawait fetch('{BATCHES}', {{method: 'POST', "
    "headers: {Authorization: `Bearer ${token}`}, body: JSON.stringify({to: ['1']})});",
    "php": f"<?php $ch = curl_init('{BATCHES}');\ncurl_setopt($ch, CURLOPT_HTTPHEADER, "
    f"['Authorization: Bearer {CANARY}']);\ncurl_setopt($ch, CURLOPT_POSTFIELDS, '{{}}');\n"
    "curl_exec($ch);",
    "java": f'HttpRequest r = HttpRequest.newBuilder(URI.create("{BATCHES}"))\n'
    f'  .header("Authorization", "Bearer " + "{CANARY}").POST(BodyPublishers.ofString("{{}}"))'
    ".build();",
    "csharp": "var c = new HttpClient();\nc.DefaultRequestHeaders.Authorization = new "
    f'AuthenticationHeaderValue("Bearer", "{CANARY}");\n'
    f'await c.PostAsync("{BATCHES}", new StringContent("{{}}"));',
    "go": f'req, _ := http.NewRequest("POST", "{BATCHES}", nil)\n'
    f'req.Header.Set("Authorization", "Bearer {CANARY}")\nhttp.DefaultClient.Do(req)',
    "ruby": f"uri = URI('{BATCHES}')\nreq = Net::HTTP::Post.new(uri)\n"
    f"req.basic_auth 'key', '{CANARY}'\nNet::HTTP.start(uri.host) {{ |h| h.request(req) }}",
    "vba": f'Set h = CreateObject("MSXML2.XMLHTTP")\nh.Open "POST", "{BATCHES}", False\n'
    f'h.setRequestHeader "Authorization", "Bearer {CANARY}"\nh.send "{{}}"',
    "axios": "AxiosError: Request failed with status code 401 {\n  config: {\n    headers: "
    f"{{ Authorization: 'Bearer {CANARY}' }},\n    method: 'post',\n    url: '{BATCHES}'\n  }},\n"
    "  response: { status: 401 }\n}",
    "python-repr": f"{{'method': 'POST', 'url': '{BATCHES}', 'headers': "
    f"{{'Authorization': 'Bearer {CANARY}'}}, 'status': 401}}",
    "guzzle": f"Client error: `POST {BATCHES}?access_token={CANARY}` resulted in a `401 "
    "Unauthorized` response",
    "requests-error": f"requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: "
    f"{BATCHES}?token={CANARY}",
    "okhttp": f"--> POST {BATCHES}\nAuthorization: Bearer {CANARY}\n\n"
    f'{{"password": "{CANARY}"}}\n--> END POST\n<-- 401 {BATCHES} (12ms)\n'
    f"Set-Cookie: sid={CANARY}\n<-- END HTTP",
    "http-client": f"send: b'POST /xms/v1/plan/batches HTTP/1.1\\r\\nHost: "
    f"us.sms.api.sinch.com\\r\\nAuthorization: Bearer {CANARY}\\r\\n\\r\\n'\n"
    "reply: 'HTTP/1.1 401 Unauthorized\\r\\n'\nheader: Content-Length: 0",
    "marked-block": f"=== REQUEST ===\nPOST {BATCHES}\nAuthorization: Bearer {CANARY}\n\n"
    "=== RESPONSE ===\nStatus: 401",
    "http-file": f"@token = {CANARY}\n\n### send\nPOST {BATCHES}\n"
    "Authorization: Bearer {{token}}\n\n{}",
    "bruno": f"post {{\n  url: {BATCHES}\n  auth: bearer\n}}\n\nauth:bearer {{\n"
    f"  token: {CANARY}\n}}",
    "panel": f"Request URL: {BATCHES}\nRequest Method: POST\nStatus Code: 401 Unauthorized\n"
    f"Request Headers\nAuthorization: Bearer {CANARY}\nCookie: sid={CANARY}",
    "httpie": f"https POST {BATCHES} 'Authorization: Bearer {CANARY}' client_secret={CANARY}",
    "wget": f"wget --header='Authorization: Bearer {CANARY}' --post-data='token={CANARY}' "
    f"{BATCHES}",
    "mail": "From: a@shop.example\nSubject: fails\nMIME-Version: 1.0\nContent-Type: text/plain\n"
    f"Content-Transfer-Encoding: quoted-printable\n\ncurl {BATCHES} -H=20'Authorization: Bearer "
    f"{CANARY}'\n",
    "log-store": json.dumps(
        {
            "hits": {
                "hits": [{"_source": {"message": f"GET /x?token={CANARY} HTTP/1.1 returned 401"}}]
            }
        }
    ),
    "log-prefix": f"2026-11-24T10:00:00.000Z stdout F "
    f'{{"method": "GET", "path": "/x?token={CANARY}", "status": 401}}',
    "printed-header": f"status=401 url={BATCHES} headers={{Authorization: Bearer {CANARY}}}",
    "sentence": f"Error 401 with Bearer {CANARY}",
    "jwt": json.dumps({**ROW, "request_body": f"see eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.{CANARY}"}),
    "curl-config": f'curl {BATCHES} -K -\n\ncurl {BATCHES} -K <<EOF\nuser = "key:{CANARY}"\nEOF\n',
    "curl-expanded": f"curl --variable token={CANARY} --expand-header 'Authorization: "
    f"Bearer {{{{token}}}}' {BATCHES}",
    "curl-quoted-header": f"curl {BATCHES} -H \"Authorization: 'Bearer {CANARY}'\"",
    "curl-ansi-c": f"curl {BATCHES} -H $'X-Auth-Token: {CANARY}\\x21'",
    "curl-cmd": f'curl ^"{BATCHES}^" -H ^"Authorization: Bearer {CANARY}^" --data-raw '
    f'^"{{^\\^"password^\\^":^\\^"{CANARY}^\\^"}}^"',
    "curl-netrc": f"curl {BATCHES} -n\nmachine us.sms.api.sinch.com login x password {CANARY}",
    "curl-certificate": f"curl {BATCHES} --cert me.pem:{CANARY} --pass {CANARY} "
    f"--tlspassword {CANARY} --proxy-user a:{CANARY}",
    "curl-aws": f"curl {BATCHES} --aws-sigv4 aws:amz -u AKIA:{CANARY}",
    "curl-referer": f"curl {BATCHES} -e 'https://a/?token={CANARY}' -A 'me token={CANARY}'",
    "curl-query": f"curl -G {BATCHES} --data-urlencode api_key={CANARY} --url-query "
    f"client_secret={CANARY}",
    "curl-heredoc": f'curl {BATCHES} -d @- <<EOF\n{{"client_secret": "{CANARY}"}}\nEOF\n',
    "curl-piped": f'echo \'{{"access_token": "{CANARY}"}}\' | curl {BATCHES} -d @-',
    "curl-answer": f"curl -i {BATCHES}\nHTTP/1.1 200 OK\nSet-Cookie: "
    f'sid={CANARY}\n\n{{"access_token": "{CANARY}"}}',
    "curl-no-url": f"curl --request -H 'Authorization: Bearer {CANARY}'",
    "powershell-basic": f"curl.exe -u key:{CANARY} {BATCHES} `\n  -H 'X-Api-Key: {CANARY}'",
    "powershell-cookie": "$s = New-Object Microsoft.PowerShell.Commands.WebRequestSession\n"
    f'$s.Cookies.Add((New-Object System.Net.Cookie("sid", "{CANARY}", "/", '
    f'"x")))\nInvoke-WebRequest -Uri {BATCHES} -WebSession $s',
    "powershell-body": f"$b = @{{ client_secret = '{CANARY}' }} | ConvertTo-Json\nirm {BATCHES} "
    f"-Method Post -Body $b -Token {CANARY}",
    "har-query": har(
        entry(
            request={
                "method": "GET",
                "url": f"{BATCHES}?jwt={CANARY}",
                "queryString": [{"name": "jwt", "value": CANARY}],
            }
        )
    ),
    "har-params": har(
        entry(
            request={
                "method": "POST",
                "url": BATCHES,
                "postData": {"params": [{"name": "client_secret", "value": CANARY}]},
            }
        )
    ),
    "har-cookies": har(
        entry(
            request={
                "method": "GET",
                "url": BATCHES,
                "cookies": [{"name": "s", "value": CANARY}],
                "headers": [],
            }
        )
    ),
    "har-base64": har(
        entry(
            response={
                "status": 200,
                "content": {"encoding": "base64", "text": base64_of(f'{{"token": "{CANARY}"}}')},
            }
        )
    ),
    "har-error": har(entry(0, _error=f"proxy http://u:{CANARY}@proxy failed")),
    "har-nested": json.dumps(
        {
            "capture": json.loads(
                har(entry(request={"method": "GET", "url": f"{BATCHES}?token={CANARY}"}))
            )
        }
    ),
    "har-own": har(
        entry(
            _sinchtools={
                "id": f"token={CANARY}",
                "failure": f"Bearer {CANARY}",
                "endpoint": f"x?password={CANARY}",
            }
        )
    ),
    "postman-url": postman({"url": {"raw": f"https://u:{CANARY}@x/y?token={CANARY}"}}),
    "postman-header": postman({"url": BATCHES, "header": [{"key": "X-Api-Key", "value": CANARY}]}),
    "postman-basic": postman(
        {
            "url": BATCHES,
            "auth": {"type": "basic", "basic": {"username": "key", "password": CANARY}},
        }
    ),
    "postman-api-key": postman(
        {
            "url": BATCHES,
            "auth": {
                "type": "apikey",
                "apikey": [{"key": "key", "value": "X-Odd"}, {"key": "value", "value": CANARY}],
            },
        }
    ),
    "postman-api-key-query": postman(
        {
            "url": f"{BATCHES}?page=1",
            "auth": {"type": "apikey", "apikey": {"key": "odd", "value": CANARY, "in": "query"}},
        }
    ),
    "postman-oauth": postman(
        {
            "url": BATCHES,
            "auth": {"type": "oauth2", "oauth2": [{"key": "accessToken", "value": CANARY}]},
        }
    ),
    "postman-form": postman(
        {
            "method": "POST",
            "url": BATCHES,
            "body": {"mode": "formdata", "formdata": [{"key": "password", "value": CANARY}]},
        }
    ),
    "postman-urlencoded": postman(
        {
            "method": "POST",
            "url": BATCHES,
            "body": {
                "mode": "urlencoded",
                "urlencoded": [{"key": "client_secret", "value": CANARY}],
            },
        }
    ),
    "postman-graphql": postman(
        {
            "method": "POST",
            "url": BATCHES,
            "body": {
                "mode": "graphql",
                "graphql": {"query": "{a}", "variables": f'{{"token": "{CANARY}"}}'},
            },
        }
    ),
    "postman-variable": json.dumps(
        {
            "info": {},
            "variable": [{"key": "token", "value": CANARY}],
            "item": [
                {
                    "request": {
                        "url": BATCHES,
                        "header": [{"key": "Authorization", "value": "Bearer {{token}}"}],
                    }
                }
            ],
        }
    ),
    "postman-answer": json.dumps(
        {
            "info": {},
            "item": [
                {
                    "request": {"url": BATCHES},
                    "response": [
                        {
                            "code": 200,
                            "header": [{"key": "Set-Cookie", "value": f"s={CANARY}"}],
                            "body": f'{{"access_token": "{CANARY}"}}',
                        }
                    ],
                }
            ],
        }
    ),
    "own-row": json.dumps(
        {
            **ROW,
            "request_headers": {"Authorization": f"Bearer {CANARY}"},
            "text": f"token={CANARY}",
            "failure": f"Bearer {CANARY}",
        }
    ),
    "own-odd-fields": json.dumps(
        {
            **ROW,
            **dict.fromkeys(
                ("id", "parent_id", "call_id", "source", "endpoint", "account", "region", "code"),
                f"access_token={CANARY}",
            ),
        }
    ),
    "own-base64": json.dumps(
        {
            **ROW,
            "request_body_base64": base64_of(f"client_secret={CANARY}"),
            "response_body_base64": f"token={CANARY}",
        }
    ),
    "own-bytes": json.dumps(
        {**ROW, "request_body_base64": base64_of(b"\xff\xfetoken=" + CANARY.encode())}
    ),
    "ecs": json.dumps(
        {
            "@timestamp": "2024-05-01T10:00:00Z",
            "http": {
                "request": {"method": "POST", "body": {"content": f"client_secret={CANARY}"}},
                "response": {"status_code": 401},
            },
            "url": {"full": f"https://u:{CANARY}@x/y?token={CANARY}"},
        }
    ),
    "bunyan": json.dumps(
        {
            "name": "app",
            "req": {"method": "GET", "url": "/x", "headers": {"cookie": f"sid={CANARY}"}},
            "res": {"statusCode": 401, "headers": {"set-cookie": [f"sid={CANARY}; Path=/"]}},
            "err": {"type": f"token={CANARY}"},
        }
    ),
    "header-list": json.dumps(
        {
            "method": "GET",
            "url": "/x",
            "status": 401,
            "headers": ["Authorization", f"Bearer {CANARY}"],
            "level": 1,
        }
    ),
    "header-text": json.dumps(
        {
            "method": "GET",
            "url": "/x",
            "status": 401,
            "headers": f'{{"authorization": "Bearer {CANARY}"}}',
            "level": 1,
        }
    ),
    "docker": "app_1  | "
    + json.dumps({"method": "GET", "path": f"/x?api_key={CANARY}", "status": 401, "level": 1}),
    "urllib3": f'DEBUG:urllib3.connectionpool:https://us.sms.api.sinch.com:443 "GET '
    f'/xms/v1/p/groups?token={CANARY} HTTP/1.1" 401 5',
    "sdk-answer": "DEBUG:Sinch:HTTP response 200 with headers: "
    f"{{'Set-Cookie': 'a={CANARY}'}} and body: {{'access_token': '{CANARY}'}} from URL: {BATCHES}",
    "sdk-unknown-line": f"DEBUG:Sinch:nothing with "
    f"Bearer {CANARY}\nsinch.core.exceptions.SMSException: Error 401 password={CANARY}",
    "callback": json.dumps(
        {
            "type": "mo_text",
            "id": "01",
            "from": "15551230001",
            "to": "15559870002",
            "body": f"my password: {CANARY}",
        }
    ),
    "callback-list": json.dumps(
        [
            {
                "type": "delivery_report_sms",
                "batch_id": "b",
                "callback_url": f"https://u:{CANARY}@x/?token={CANARY}",
            }
        ]
    ),
    "vhost-log": f'a.example:443 1.2.3.4 - - [01/May/2024:10:00:00 +0200] "GET /x?jwt={CANARY} '
    f'HTTP/1.1" 404 12 "-" "tool token={CANARY}" 0.5',
    "syslog": f'<134>May  1 10:00:00 web nginx: 1.2.3.4 - me [01/May/2024:10:00:00 +0200] "GET '
    f'/x?api_key={CANARY} HTTP/1.1" 404 12 "-" "-"',
    "haproxy": "May  1 10:00:00 lb haproxy[1]: 10.0.0.1:5 [01/May/2024:10:00:00.123] in~ out/s1 "
    "0/0/1/22/23 403 99 - - ---- 1/1/0/0/0 0/0 "
    f'{{Bearer {CANARY}}} "POST /x?token={CANARY} HTTP/1.1"',
    "w3c": "#Version: 1.0\n#Fields: date time cs-method cs-uri-stem cs-uri-query sc-status "
    "cs(Cookie)\n"
    f"2024-05-01 10:00:00 GET /x token={CANARY} 401 sid={CANARY}\n",
    "zeek": "#separator \\x09\n#fields\tts\tmethod\thost\turi\tstatus_code\tusername\tpassword\n"
    f"1714557600.1\tGET\tx.example\t/x?password={CANARY}\t401\tme\t{CANARY}\n",
    "table-separators": f"when;method;address;answer\n2024-05-01 "
    f"10:00:00;GET;https://u:{CANARY}@x/y;401\n2024-05-01 10:00:01;GET;/y;401\n",
    "table-headers": f'method,url,status,request_headers\nGET,/x,401,"{{""Authorization"": '
    f'""Bearer {CANARY}""}}"\nGET,/y,401,\n',
    "free-log": f'2024-05-01 10:00:00 INFO GET /x?token={CANARY} -> 401 {{"code": '
    f'"unauthorized", "text": "Bearer {CANARY}"}}',
    "http-proxy": f"GET http://u:{CANARY}@x/y HTTP/1.1\nProxy-Authorization: "
    f"Basic {CANARY}\nX-Hub-Signature: {CANARY}\nCookie: a={CANARY}\n\n",
    "error-gateway": json.dumps(
        {
            "error": "invalid_token",
            "error_description": f"token {CANARY[:0]}=={CANARY}",
            "status": 401,
        }
    ),
    "multipart": "POST /x HTTP/1.1\nHost: a\nContent-Type: multipart/form-data; boundary=b\n\n"
    f'--b\nContent-Disposition: form-data; name="password"\n\n{CANARY}\n--b--',
    "xml": f"POST /x HTTP/1.1\nHost: a\n\n<soap:Body><Password>{CANARY}</Password></soap:Body>",
}

MATHEMATICS = (  # what MathJax typesets, hides or draws over other text
    "costs $5 and $6",
    "$$x$$",
    r"\(x\)",
    r"\[x\]",
    r"\begin{align}x\end{align}",
    r"$\phantom{x}$",
    r"$\rlap{\raise 30pt{\bbox[green]{FIXED}}}$",
    r"$\def\x{y}\x$",
    r"\ref{x}",
    r"$`x`$",
    r"\$5 and $6$",
)
