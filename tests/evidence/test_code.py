"""Calls in source code become rows; nothing is executed, and what is not shown stays visible."""

from __future__ import annotations

import json
import textwrap

import pytest

from sinchtools.evidence import read

pytest.importorskip("tree_sitter", reason="the extra [code] is not installed")

HOST = "https://eu.sms.api.sinch.com"
URL = f"{HOST}/xms/v1/plan7/batches"
BODY = {"from": "Shop", "to": ["+46701234567"], "body": "Ready"}
CALLS = {
    "python requests session": f"""
        import requests
        s = requests.Session()
        s.headers.update({{"Authorization": "Bearer tok"}})
        s.post("{URL}", json={{"from": "Shop", "to": ["+46701234567"], "body": "Ready"}})
        """,
    "python httpx base url": f"""
        auth = dict(Authorization="Bearer tok")
        with httpx.Client(base_url="{HOST}/xms/v1/plan7", headers=auth) as c:
            c.post("/batches", json={{"from": "Shop", "to": ["+46701234567"], "body": "Ready"}})
        """,
    "python function with parameters": f"""
        def send(to, text="Ready"):
            return requests.post(f"{HOST}/xms/v1/{{PLAN}}/batches", data=json.dumps(
                {{"from": "Shop", "to": [to], "body": text}}), headers=HEADERS)
        PLAN = "plan7"
        HEADERS = {{"Authorization": "Bearer " + "tok", "Content-Type": "application/json"}}
        send("+46701234567")
        """,
    "python urllib": f"""
        import urllib.request
        req = urllib.request.Request("{URL}", method="POST")
        req.data = json.dumps({{"from": "Shop", "to": ["+46701234567"], "body": "Ready"}}).encode()
        req.add_header("Authorization", "Bearer tok")
        urllib.request.urlopen(req)
        """,
    "node https": """
        const req = https.request({hostname: "eu.sms.api.sinch.com", path: "/xms/v1/plan7/batches",
          method: "POST", headers: {Authorization: "Bearer tok"}});
        req.write(JSON.stringify({from: "Shop", to: ["+46701234567"], body: "Ready"}));
        req.end();
        """,
    "typescript class": f"""
        class Sms {{
          private readonly base = "{HOST}/xms/v1";
          private http = axios.create({{ headers: {{ Authorization: `Bearer ${{"tok"}}` }} }});
          async send(to: string[] = ["+46701234567"]): Promise<void> {{
            const body = "Ready";
            const data = {{ from: "Shop", to, body }};
            await this.http.post<Sent>(`${{this.base}}/plan7/batches`, data);
          }}
        }}
        """,
    "xhr": f"""
        var x = new XMLHttpRequest();
        x.open("POST", "{URL}");
        x.setRequestHeader("Authorization", "Bearer tok");
        x.send('{json.dumps(BODY)}');
        """,
    "php curl": f"""
        <?php
        $plan = 'plan7';
        $ch = curl_init();
        curl_setopt($ch, CURLOPT_URL, "{HOST}/xms/v1/$plan/batches");
        $data = ['from' => 'Shop', 'to' => ['+46701234567']];
        $data['body'] = 'Ready';
        curl_setopt($ch, CURLOPT_POSTFIELDS, json_encode($data));
        curl_setopt($ch, CURLOPT_HTTPHEADER, array('Authorization: Bearer ' . 'tok'));
        curl_setopt($ch, CURLOPT_POST, true);
        $out = curl_exec($ch);
        """,
    "php laravel": f"""
        $answer = Http::withToken('tok')->acceptJson()
            ->post('{URL}', ['from' => 'Shop', 'to' => ['+46701234567'], 'body' => 'Ready']);
        """,
    "java httpclient": f"""
        String url = String.format("{HOST}/xms/v1/%s/batches", "plan7");
        HttpRequest request = HttpRequest.newBuilder().uri(URI.create(url))
            .header("Authorization", "Bearer tok")
            .POST(HttpRequest.BodyPublishers.ofString(\"""
                {{"from": "Shop", "to": ["+46701234567"], "body": "Ready"}}
                \""")).build();
        HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        """,
    "java spring": f"""
        HttpHeaders headers = new HttpHeaders();
        headers.setContentType(MediaType.APPLICATION_JSON);
        headers.setBearerAuth("tok");
        Map<String, Object> body = new HashMap<>();
        body.put("from", "Shop");
        body.put("to", List.of("+46701234567"));
        body.put("body", "Ready");
        ResponseEntity<String> r = restTemplate.exchange("{URL}", HttpMethod.POST,
            new HttpEntity<>(body, headers), String.class);
        """,
    "kotlin okhttp": f"""
        val json = \"""{{"from": "Shop", "to": ["+46701234567"], "body": "Ready"}}\"""
        val request = Request.Builder().url("{URL}")
            .post(json.toRequestBody("application/json".toMediaType()))
            .addHeader("Authorization", "Bearer tok").build()
        val response = OkHttpClient().newCall(request).execute()
        """,
    "csharp request message": f"""
        var request = new HttpRequestMessage(HttpMethod.Post, "{URL}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "tok");
        var to = new List<string> {{ "+46701234567" }};
        request.Content = JsonContent.Create(new {{ from = "Shop", to, body = "Ready" }});
        var response = await new HttpClient().SendAsync(request);
        """,
    "go": f"""
        payload := strings.NewReader(`{json.dumps(BODY)}`)
        req, err := http.NewRequest("POST", "{URL}", payload)
        if err != nil {{
            log.Fatal(err)
        }}
        req.Header.Add("Authorization", "Bearer tok")
        res, _ := http.DefaultClient.Do(req)
        """,
    "ruby net http": f"""
        require 'net/http'
        uri = URI.parse("{URL}")
        http = Net::HTTP.new(uri.host, uri.port)
        req = Net::HTTP::Post.new(uri.request_uri)
        req['Authorization'] = 'Bearer tok'
        req.body = {{ from: 'Shop', to: ['+46701234567'], body: 'Ready' }}.to_json
        puts http.request(req).body
        """,
    "python environment with usual values": f"""
        import os, requests
        API = os.environ.get("SMS_API", "{HOST}/xms/v1")
        url = "/".join([API, os.getenv("SMS_PLAN", "plan7"), "batches"])
        data = '{{"from": "%s", "to": ["%s"], "body": "Ready"}}' % ("Shop", "+46701234567")
        requests.post(url, data=data, headers={{"Authorization": "Bearer tok"}})
        """,
    "javascript value of the environment or a usual one": f"""
        const api = process.env.SMS_API || "{HOST}/xms/v1/plan7";
        const headers = {{ Authorization: "Bearer tok" }};
        await fetch(`${{api}}/batches`, {{ method: "POST", headers,
          body: JSON.stringify({{ from: "Shop", to: ["+46701234567"], body: "Ready" }}) }});
        """,
    "java connection that a resource writes to": """
        String place = String.format("https://%s.sms.api.sinch.com/xms/v1", "eu");
        URL target = new URL(place + "/plan7/batches");
        HttpsURLConnection link = (HttpsURLConnection) target.openConnection();
        link.setRequestMethod("POST");
        link.setRequestProperty("Authorization", "Bearer tok");
        String sent = "{\\"from\\":\\"Shop\\",\\"to\\":[\\"+46701234567\\"],"
            + "\\"body\\":\\"Ready\\"}";
        try (OutputStream out = link.getOutputStream()) {
            out.write(sent.getBytes());
        }
        HttpRequest unused = null;
        """,
    "ruby faraday middleware": f"""
        http = Faraday.new("{HOST}") do |c|
          c.request :json
          c.request :authorization, :Bearer, "tok"
        end
        http.post("/xms/v1/plan7/batches") do |r|
          r.body = {{ from: "Shop", to: ["+46701234567"], body: "Ready" }}
        end
        """,
}


@pytest.mark.parametrize("name", CALLS)
def test_call_is_one_row(name: str) -> None:
    evidence = read(textwrap.dedent(CALLS[name]))
    assert [(x.method, x.url) for x in evidence] == [("POST", URL)], evidence.skipped
    assert json.loads(evidence[0].request_body or "") == BODY
    assert evidence[0].request_headers["Authorization"].startswith("Bearer ")
    assert not evidence.skipped


def test_class_is_followed_from_where_it_is_made() -> None:
    evidence = read(
        textwrap.dedent(f"""
        class Sender:
            def __init__(self, plan, token):
                self.url = "{HOST}/xms/v1/" + plan
                self.headers = {{"Authorization": "Bearer " + token}}

            def send(self, to, text="Ready"):
                data = {{"from": "Shop", "to": [to], "body": text}}
                return requests.post(self.url + "/batches", json=data, headers=self.headers)

        Sender("plan7", "tok").send("+46701234567")
        """)
    )
    assert [(x.method, x.url) for x in evidence] == [("POST", URL)]
    assert json.loads(evidence[0].request_body or "") == BODY


def test_powershell_copy_with_letters_beyond_ascii() -> None:
    (row,) = read(
        f'Invoke-RestMethod -Uri "{URL}" -Method "POST" `\n-Body '
        '([System.Text.Encoding]::UTF8.GetBytes("{`"body`":`"Caf$([char]233)`"}"))\n'
    )
    assert (row.method, row.url, row.request_body) == ("POST", URL, '{"body":"Café"}')


def test_unknown_values_stay_visible_and_are_listed() -> None:
    evidence = read(
        'requests.post(f"https://us.sms.api.sinch.com/xms/v1/{plan}/batches",\n'
        '  headers={"Authorization": "Bearer " + os.environ["SMS_TOKEN"]},\n'
        '  json={"to": [row.phone]})\n'
    )
    assert evidence[0].url == "https://us.sms.api.sinch.com/xms/v1/{plan}/batches"
    assert json.loads(evidence[0].request_body or "") == {"to": ["{phone}"]}
    assert "{SMS_TOKEN}, {phone}, {plan}" in evidence.warnings[0].reason


def test_words_around_and_result_below() -> None:
    evidence = read(
        "Hello, this is what we run every morning\n\n"
        f'fetch("{URL}", {{method: "DELETE", headers: {{Authorization: "Bearer tok"}}}})\n'
        "// 404\n\n"
        f'fetch("{URL}/X1");\n\n'
        "Can you tell us what is wrong with it?\n"
    )
    assert [(x.method, x.status) for x in evidence] == [("DELETE", 404), ("GET", None)]
    assert sum(one.count for one in evidence.skipped) == 2


SDK = {
    "python": """
        client = SinchClient(service_plan_id="plan7", sms_api_token="tok")
        client.configuration.sms_region = "eu"
        client.sms.batches.send(to=["+46701234567"], from_="Shop", body="Ready")
        """,
    "node": """
        const keys = { servicePlanId: "plan7", apiToken: "tok", smsRegion: "eu" };
        const client = new SinchClient(keys);
        await client.sms.batches.send({ sendSMSRequestBody: {
          to: ["+46701234567"], from: "Shop", body: "Ready" } });
        """,
    "php": """
        $client = new Clx\\Xms\\Client('plan7', 'tok');
        $client->setRegion('eu');
        $message = new MtBatchTextSmsCreate();
        $message->setSender('Shop');
        $message->setRecipients(['+46701234567']);
        $message->setBody('Ready');
        $client->createTextBatch($message);
        """,
}


@pytest.mark.parametrize("language", SDK)
def test_call_of_the_sdk_is_the_request_that_it_makes(language: str) -> None:
    evidence = read(textwrap.dedent(SDK[language]))
    assert [(x.method, x.url) for x in evidence] == [("POST", URL)]
    assert json.loads(evidence[0].request_body or "") == BODY
    assert "SDK" in evidence.warnings[0].reason


UNPARSED = {
    "Swift": f"""
        var request = URLRequest(url: URL(string: "{HOST}/xms/v1/\\(plan)/batches")!)
        request.setValue("Bearer tok", forHTTPHeaderField: "Authorization")
        request.httpMethod = "POST"
        request.httpBody = "{{\\"to\\": [\\"+46701234567\\"]}}".data(using: .utf8)
        """,
    "Rust": f"""
        let mut client = reqwest::Client::new();
        let url = format!("{HOST}/xms/v1/{{}}/batches", plan);
        let res = client.post("{HOST}/xms/v1/{{plan}}/batches").bearer_auth("tok")
            .json(&json!({{"to": ["+46701234567"]}})).send().await?;
        """,
    "Elixir": f"""
        Req.post!("{HOST}/xms/v1/{{plan}}/batches", auth: {{:bearer, "tok"}},
          json: %{{to: ["+46701234567"]}})
        """,
    "VBA": f"""
        Set http = CreateObject("WinHttp.WinHttpRequest.5.1")
        http.Open "POST", "{HOST}/xms/v1/" & plan & "/batches", False
        http.SetRequestHeader "Authorization", "Bearer tok"
        http.Send "{{""to"": [""+46701234567""]}}"
        """,
    "Scala": f"""
        val plan = "{{plan}}"
        basicRequest.post(uri"{HOST}/xms/v1/{{plan}}/batches")
          .header("Authorization", "Bearer tok")
          .body(\"\"\"{{"to": ["+46701234567"]}}\"\"\")
        """,
    "Apex": f"""
        HttpRequest call = new HttpRequest();
        call.setEndpoint('{HOST}/xms/v1/{{plan}}/batches');
        call.setMethod('POST');
        call.setHeader('Authorization', 'Bearer tok');
        call.setBody('{{"to": ["+46701234567"]}}');
        """,
    "Clojure": f"""
        (client/post "{HOST}/xms/v1/{{plan}}/batches"
          {{:headers {{"Authorization" "Bearer tok"}} :body "{{\\"to\\": [\\"+46701234567\\"]}}"}})
        """,
    "C": f"""
        #include <cpr/cpr.h>
        auto r = cpr::Post(cpr::Url{{"{HOST}/xms/v1/{{plan}}/batches"}}, cpr::Bearer{{"tok"}},
                           cpr::Body{{R"x({{"to": ["+46701234567"]}})x"}});
        """,
    "SQL": f"""
        DECLARE
          c_token CONSTANT VARCHAR2(64) := 'tok';
          v_body  CLOB := '{{"to": ["+46701234567"]}}';
        BEGIN
          v_req := utl_http.begin_request('{HOST}/xms/v1/{{plan}}/batches', 'POST');
          utl_http.set_header(v_req, 'Content-Length', LENGTH(v_body));
          utl_http.set_header(v_req, name => 'Authorization', value => 'Bearer ' || c_token);
          utl_http.write_text(v_req, v_body);
        END;
        """,
    "Power Query": f"""
        let
          Body = Text.ToBinary("{{""to"": [""+46701234567""]}}"),
          Sent = Web.Contents("{HOST}/xms/v1", [RelativePath = "{{plan}}/batches",
            Headers = [Authorization = "Bearer tok"], Content = Body])
        in Sent
        """,
    "Tcl": f"""
        package require http
        set base {HOST}/xms/v1
        set token {{tok}}
        set sent {{{{"to": ["+46701234567"]}}}}
        set got [http::geturl "$base/$plan/batches" -method POST \\
          -headers [list Authorization "Bearer $token"] -query $sent]
        """,
    "Haskell": f"""
        sent <- parseRequest "POST {HOST}/xms/v1/{{plan}}/batches"
        httpLBS $ setRequestBearerAuth "tok" $ setRequestBodyLBS
          "{{\\"to\\": [\\"+46701234567\\"]}}" sent
        """,
    "Lisp": f"""
        (let ((url-request-method "POST")
              (url-request-extra-headers '(("Authorization" . "Bearer tok")))
              (url-request-data "{{\\"to\\": [\\"+46701234567\\"]}}"))
          (url-retrieve "{HOST}/xms/v1/{{plan}}/batches" #'print))
        """,
    "F#": f"""
        http {{
            POST "{HOST}/xms/v1/{{plan}}/batches"
            AuthorizationBearer "tok"
            body
            json \"\"\"{{"to": ["+46701234567"]}}\"\"\"
        }}
        |> Request.send
        """,
    "AutoHotkey": f"""
        http := ComObject("WinHttp.WinHttpRequest.5.1")
        http.Open("POST", "{HOST}/xms/v1/{{plan}}/batches", true)
        http.SetRequestHeader("Authorization", "Bearer tok")
        http.Send('{{"to": ["+46701234567"]}}')
        """,
    "Coldfusion": f"""
        <cfhttp url="{HOST}/xms/v1/{{plan}}/batches" method="post">
          <cfhttpparam type="header" name="Authorization" value="Bearer tok">
          <cfhttpparam type="body" value='{{"to": ["+46701234567"]}}'>
        </cfhttp>
        """,
}


@pytest.mark.parametrize("language", UNPARSED)
def test_language_without_grammar_is_read_by_its_texts(language: str) -> None:
    row = read(textwrap.dedent(UNPARSED[language]))[-1]
    assert (row.method, row.url) == ("POST", f"{HOST}/xms/v1/{{plan}}/batches")
    assert row.request_headers["Authorization"].startswith("Bearer ")
    assert json.loads(row.request_body or "") == {"to": ["+46701234567"]}
    warnings = read(textwrap.dedent(UNPARSED[language])).warnings
    assert any(language in one.reason for one in warnings)


QUERIES = {
    "Elixir": 'Req.get!("{}/batches", auth: {{:bearer, "tok"}}, params: [page_size: 7])',
    "Julia": """using HTTP
        HTTP.get("{}/batches", ["Accept" => "text/html"]; query = Dict("page_size" => 7))""",
    "R": """library(httr2)
        request("{}") |> req_url_path_append("batches") |> req_url_query(page_size = 7) |>
          req_auth_bearer_token("tok")""",
    "Dart": """final dio = Dio(BaseOptions(baseUrl: '{}'));
        dio.get('/batches', queryParameters: {{'page_size': 7}});""",
    "C++": """auto r = cpr::Get(cpr::Url{{"{}/batches"}}, cpr::Bearer{{"tok"}},
                          cpr::Parameters{{{{"page_size", "7"}}}});""",
    "Power Query": """Web.Contents("{}", [RelativePath = "batches", Query = [page_size = "7"],
        Headers = [Accept = "text/html"]])""",
}


@pytest.mark.parametrize("language", QUERIES)
def test_a_url_may_be_built_of_base_path_and_query(language: str) -> None:
    rows = read(textwrap.dedent(QUERIES[language].format(f"{HOST}/xms/v1/plan7")))
    assert [(row.method, row.url) for row in rows] == [("GET", f"{URL}?page_size=7")]


def test_tables_of_other_languages_are_bodies() -> None:
    vb = f"""Imports System.Net.Http
Dim sent = New With {{.from = "Shop", .to = New String() {{"+46701234567"}}, .body = "Ready"}}
Await client.PostAsync("{URL}", New StringContent(JsonSerializer.Serialize(sent)))"""
    apex = f"""req.setEndpoint('{URL}');
req.setBody(JSON.serialize(new Map<String, Object>{{ 'from' => 'Shop',
    'to' => new List<String>{{ '+46701234567' }}, 'body' => 'Ready' }}));"""
    loadrunner = f"""web_add_header("Authorization", "Bearer tok");
web_custom_request("sms",
    "URL={URL}", "Method=POST", "Body={json.dumps(BODY).replace('"', chr(92) + '"')}", LAST);"""
    matlab = f"""sent = struct("from", "Shop", "to", {{{{"+46701234567"}}}}, "body", "Ready");
webwrite("{URL}", sent, weboptions("HeaderFields", ["Accept" "text/html"]));"""
    haskell = f"""sent <- parseRequest "{URL}"
httpLBS (setRequestBodyJSON (object ["from" .= ("Shop" :: String), "body" .= ("Ready" :: String),
  "to" .= (["+46701234567"] :: [String])]) sent)"""
    ocaml = f"""let send () = Cohttp_lwt_unix.Client.post (Uri.of_string "{URL}")
  ~headers:(Cohttp.Header.init_with "accept" ("text/" ^ "html"))
  ~body:(`String {{|{json.dumps(BODY)}|}})"""
    for code in (vb, apex, loadrunner, matlab, haskell, ocaml):
        assert json.loads(read(code)[0].request_body or "") == BODY


def test_a_text_of_several_lines_is_a_body() -> None:
    code = UNPARSED["Swift"].partition("request.httpBody")[0]
    text = f'{code}request.httpBody = """\n{{"to": ["1"]}}\n""".data(using: .utf8)\n'
    assert read(textwrap.dedent(text))[-1].request_body == '{"to": ["1"]}'


def test_values_that_double_in_every_line_end() -> None:
    lines = "a = a + a\nb.extend(b)\nc = {'x': c, 'y': c}\nd = d.replace('x', d)\n" * 60
    code = f"a, b, c, d = 'x', [1], {{}}, 'xx'\n{lines}requests.post('{URL}', json=[a, b, c, d])\n"
    assert len(read(code)) <= 1


def test_a_response_with_headers_below_the_only_call_keeps_them() -> None:
    call = f'requests.post("{URL}", json={{"to": "12025550188"}})\n'
    head = "HTTP/1.1 400 Bad Request\nDate: Tue, 14 Apr 2026 08:12:44 GMT\n\n"
    (row,) = read(f'import requests\n{call}\nWe get:\n{head}{{"code": "syntax_invalid_json"}}')
    assert (row.status, row.code) == (400, "syntax_invalid_json")
    assert row.at is not None and row.response_headers


@pytest.mark.parametrize(("language", "media"), [("Rust", "application/json"), ("VBA", None)])
def test_what_takes_a_table_says_that_it_is_json(language: str, media: str | None) -> None:
    row = read(textwrap.dedent(UNPARSED[language]))[-1]
    assert row.request_headers.get("Content-Type") == media


def test_the_class_of_media_types_is_no_header_and_what_is_read_is_not_sent() -> None:
    java = f"""HttpPut put = new HttpPut("{HOST}/xms/v1/p/groups/g");
put.setEntity(new StringEntity("{{}}", ContentType.APPLICATION_JSON));"""
    assert read(java)[0].request_headers["Content-Type"] == "application/json"
    python = f"""import urllib3
r = urllib3.PoolManager().request("POST", "{HOST}/xms/v1/p/groups", json={{"name": "a"}})
print(r.data.decode("ascii"))"""
    assert json.loads(read(python)[0].request_body or "") == {"name": "a"}


def test_bytes_printed_below_code_are_its_response_and_frames_no_calls() -> None:
    call = f'requests.delete("{HOST}/xms/v1/p/groups/g")'
    frame = '  File "/srv/sinch/client.py", line 9, in delete(self, **given)'
    (row,) = read(f'{call}\n{frame}\nb\'{{"code": "unknown_group", "text": "x"}}\'')
    assert (row.method, row.code) == ("DELETE", "unknown_group")


def test_a_path_gets_the_base_of_the_only_client() -> None:
    code = f"""var api = new RestClient("{HOST}");
var call = new RestRequest("/xms/v1/p/groups/g", Method.Delete);"""
    assert [(row.method, row.url) for row in read(code)] == [
        ("DELETE", f"{HOST}/xms/v1/p/groups/g")
    ]


def test_a_keyword_names_the_media_type() -> None:
    body = '"{\\"to\\": [\\"+46701234567\\"]}"'
    (row,) = read(f'(client/put "{HOST}/xms/v1/p/batches/b" {{:content-type :json :body {body}}})')
    assert row.request_headers == {"Content-Type": "application/json"}


def notebook(*cells: tuple[str, list[dict[str, object]]]) -> str:
    listed = [
        {"cell_type": "code", "source": source.splitlines(keepends=True), "outputs": outputs}
        for source, outputs in cells
    ]
    texts = {"cell_type": "markdown", "source": "# Try it"}
    return json.dumps({"nbformat": 4, "metadata": {}, "cells": [texts, *listed]})


@pytest.mark.parametrize(
    ("output", "status"),
    [
        ({"output_type": "stream", "text": ["401 Unauthorized\n"]}, 401),
        ({"output_type": "execute_result", "data": {"text/plain": ["<Response [403]>"]}}, 403),
        (
            {
                "output_type": "error",
                "traceback": ["---", f"HTTPError: 404 Client Error: Not Found for url: {URL}"],
            },
            404,
        ),
    ],
)
def test_the_cells_of_a_notebook_are_one_request_with_what_they_show(
    output: dict[str, object], status: int
) -> None:
    evidence = read(
        notebook(
            (f"import requests\nurl = '{URL}'", []),
            ("r = requests.post(url, json={'to': ['1']})\nr", [output]),
        )
    )
    assert [(x.method, x.url, x.status) for x in evidence] == [("POST", URL, status)]
    assert json.loads(str(evidence[0].request_body)) == {"to": ["1"]}


@pytest.mark.parametrize(
    "words",
    [
        "Scheduled for 8:30, useless after 12:30.",
        "Version 2.14.1 sends each text at 07:45",
        "It ran on 3.11 until Monday, 9.15 in the morning!",
    ],
)
def test_a_sentence_with_a_time_or_a_version_is_no_code(words: str) -> None:
    code = (
        'import requests\nplan = "0123456789abcdef0123456789abcdef"\n'
        'requests.post(f"https://eu.sms.api.sinch.com/xms/v1/{plan}/batches", json={"body": "a"})\n'
    )
    evidence = read(f"{words}\n\n{code}")
    [row] = evidence
    assert row.account == "0123456789abcdef0123456789abcdef" and not evidence.warnings
