"""The options of curl, and the parts of a request that it makes of them: headers, files, forms."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

from sinchtools.api.description import split_url
from sinchtools.core.placeholders import is_placeholder
from sinchtools.evidence.formats.shell import Command
from sinchtools.evidence.pieces import Piece, joined, words


@dataclass(slots=True)
class Request:
    """What the options of one curl operation ask for, in their order."""

    piece: Piece
    command: Command
    line: int
    urls: list[str] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    queries: list[bytes] = field(default_factory=list)
    forms: list[tuple[str, bool]] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    def guess(self, reason: str) -> None:
        """List what was not read as it stands."""
        self.piece.guess(self.line, reason)


def urlencoded(request: Request, value: str) -> bytes:
    """Return what --data-urlencode makes of its value."""
    match = re.match(r"([^=@]*)([=@])", value)
    name, sign, content = (match[1], match[2], value[match.end() :]) if match else ("", "=", value)
    known = file_bytes(request, content) if sign == "@" else encoded(content)
    if known is None:
        return encoded(value)
    is_open = sign == "=" and re.fullmatch(r"\{\{?[^{}]*\}?\}|<[^<>]*>|\$\{?\w+\}?", content)
    escaped = content if is_open else quote_plus(known)
    return encoded(f"{name}={escaped}" if name else escaped)


def file_bytes(request: Request, name: str) -> bytes | None:
    """Return the content of a file that an option names; None when it is not there."""
    command = request.command
    if name == "-" and command.stdin is not None:
        return encoded(command.stdin)
    name = (command.stdin_file or name) if name == "-" else name
    if name == "-":
        request.guess(
            "what came from standard input is not in the evidence; the body stays as written"
        )
        return None
    return request.piece.file(name, request.line)


def all_headers(
    request: Request, implied: list[tuple[str, str]], body: bytes | None
) -> dict[str, str]:
    """Return the headers that a request is sent with."""
    options = request.options
    for option, name in (
        ("user-agent", "User-Agent"),
        ("referer", "Referer"),
        ("cookie", "Cookie"),
    ):
        if options.get(option):
            implied.append((name, options[option]))
    if "range" in options and body is None:
        implied.append(("Range", f"bytes={options['range']}"))
    elif "range" in options and body is not None:
        implied.append(("Content-Range", f"bytes {options['range']}/{len(body)}"))
    if "oauth2-bearer" in options:
        implied.append(("Authorization", f"Bearer {options['oauth2-bearer']}"))
    elif "user" in options:
        implied.append(("Authorization", _authorization(options)))
    written = {name.lower() for name, _ in request.headers}
    headers = [(name, value) for name, value in request.headers if value != "\0"]
    headers += [(name, value) for name, value in implied if name.lower() not in written]
    if request.forms:
        headers = [(name, _with_boundary(name, value, implied)) for name, value in headers]
    return joined(headers)


def _with_boundary(name: str, value: str, implied: list[tuple[str, str]]) -> str:
    boundary = implied[0][1].partition("; ")[2]
    is_without = name.lower() == "content-type" and boundary not in value
    return f"{value}; {boundary}" if is_without else value


def _authorization(options: dict[str, str]) -> str:
    schemes = {"digest": "Digest", "negotiate": "Negotiate", "ntlm": "Negotiate"}
    scheme = next((schemes[name] for name in schemes if name in options), "Basic")
    user, colon, password = options["user"].partition(":")
    if scheme != "Basic" or all(not part or is_placeholder(part) for part in (user, password)):
        return f"{scheme} {user}{colon}{password}"
    return f"Basic {base64.b64encode(encoded(f'{user}:{password}')).decode('ascii')}"


def upload(request: Request, name: str, url: str) -> tuple[str, bytes | None]:
    """Return the URL and the body of an upload."""
    file = re.split(r"[/\\]", name)[-1]
    path = split_url(url).path
    if name not in ("-", ".") and (path == "" or path.endswith("/")) and "?" not in url:
        url = f"{url if path else url.rstrip('/') + '/'}{quote(encoded(file))}"
    content = file_bytes(request, name)
    return url, encoded(f"@{name}") if content is None else content


def multipart(request: Request) -> tuple[bytes, str]:
    """Return the body of a form, and its content type."""
    forms = repr(request.forms).encode("utf-8", "replace")
    boundary = "-" * 24 + hashlib.blake2b(forms, digest_size=8).hexdigest()
    parts = [_part(request, value, literal) for value, literal in request.forms]
    body = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in parts)
    return body + f"--{boundary}--\r\n".encode(), boundary


def _part(request: Request, value: str, literal: bool) -> bytes:
    name, _, content = value.partition("=")
    disposition, kind = f'form-data; name="{name}"', ""
    if not literal:
        content, *attributes = re.split(r";(?=\s*(?:type|filename|headers?|encoder)=)", content)
        given = {
            key.strip(): rest.strip('"')
            for key, _, rest in (attribute.partition("=") for attribute in attributes)
        }
        kind = given.get("type", "")
        if content[:1] in ("@", "<"):
            if content[0] == "@":
                file = given.get("filename") or re.split(r"[/\\]", content)[-1].lstrip("@")
                disposition += f'; filename="{file}"'
            known = file_bytes(request, content[1:].strip('"'))
            return _headed(disposition, kind) + (known if known is not None else encoded(content))
        if len(content) > 1 and content[0] == content[-1] == '"':
            content = content[1:-1]
    return _headed(disposition, kind) + encoded(content)


def _headed(disposition: str, kind: str) -> bytes:
    return encoded(
        f"Content-Disposition: {disposition}\r\n"
        + (f"Content-Type: {kind}\r\n" if kind else "")
        + "\r\n"
    )


def encoded(text: str) -> bytes:
    """Return a text as the bytes that were pasted."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


# curl's own options (its manual page, 8.x): those that take a value, those that take none, and the
# letters of both
WITH_VALUE = frozenset(
    words(
        """
        abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers config
        connect-timeout connect-to continue-at cookie cookie-jar create-file-mode crlfile curves
        data data-ascii data-binary data-raw data-urlencode delegation dns-interface dns-ipv4-addr
        dns-ipv6-addr dns-servers doh-url dump-header ech egd-file engine etag-compare etag-save
        expand-url expand-data expand-header expand-user expect100-timeout form form-string
        ftp-account ftp-alternative-to-user ftp-method ftp-port ftp-ssl-ccc-mode
        happy-eyeballs-timeout-ms haproxy-clientip header help hostpubmd5 hostpubsha256 hsts
        interface ip-tos ipfs-gateway json keepalive-cnt keepalive-time key key-type krb libcurl
        limit-rate local-port login-options mail-auth mail-from mail-rcpt max-filesize max-redirs
        max-time netrc-file noproxy oauth2-bearer output output-dir parallel-max pass pinnedpubkey
        preproxy proto proto-default proto-redir proxy proxy-cacert proxy-capath proxy-cert
        proxy-cert-type proxy-ciphers proxy-crlfile proxy-header proxy-key proxy-key-type proxy-pass
        proxy-pinnedpubkey proxy-service-name proxy-tls13-ciphers proxy-tlsauthtype
        proxy-tlspassword proxy-tlsuser proxy-user proxy1.0 pubkey quote random-file range rate
        referer request request-target resolve retry retry-delay retry-max-time sasl-authzid
        service-name sigalgs socks4 socks4a socks5 socks5-gssapi-service socks5-hostname speed-limit
        speed-time stderr telnet-option tftp-blksize time-cond tls-max tls13-ciphers tlsauthtype
        tlspassword tlsuser trace trace-ascii trace-config unix-socket upload-file upload-flags url
        url-query user user-agent variable vlan-priority write-out
        """
    )
)
WITHOUT_VALUE = frozenset(
    words("""
        anyauth append basic ca-native cert-status compressed compressed-ssh create-dirs crlf digest
        disable disable-eprt disable-epsv disallow-username-in-url doh-cert-status doh-insecure fail
        fail-early fail-with-body false-start form-escape ftp-create-dirs ftp-pasv ftp-pret
        ftp-skip-pasv-ip ftp-ssl-ccc ftp-ssl-control get globoff haproxy-protocol head http0.9
        http1.0 http1.1 http2 http2-prior-knowledge http3 http3-only ignore-content-length include
        insecure ipv4 ipv6 junk-session-cookies list-only location location-trusted
        mail-rcpt-allowfails manual metalink mptcp negotiate netrc netrc-optional next no-alpn
        no-buffer no-clobber no-keepalive no-npn no-progress-meter no-sessionid ntlm ntlm-wb
        parallel parallel-immediate path-as-is post301 post302 post303 progress-bar proxy-anyauth
        proxy-basic proxy-ca-native proxy-digest proxy-http2 proxy-insecure proxy-negotiate
        proxy-ntlm proxy-ssl-allow-beast proxy-ssl-auto-client-cert proxy-tlsv1 proxytunnel raw
        remote-header-name remote-name remote-name-all remote-time remove-on-error retry-all-errors
        retry-connrefused sasl-ir show-error show-headers silent skip-existing socks5-basic
        socks5-gssapi socks5-gssapi-nec ssl ssl-allow-beast ssl-auto-client-cert ssl-no-revoke
        ssl-reqd ssl-revoke-best-effort sslv2 sslv3 styled-output suppress-connect-headers
        tcp-fastopen tcp-nodelay tftp-no-options tls-earlydata tlsv1 tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3
        tr-encoding trace-ids trace-time use-ascii verbose version xattr
        """)
)
LETTERS = dict(
    pair.split("=")
    for pair in words("""
        a=append E=cert K=config C=continue-at b=cookie c=cookie-jar d=data q=disable D=dump-header
        f=fail F=form P=ftp-port G=get g=globoff I=head H=header h=help 0=http1.0 i=include
        k=insecure 4=ipv4 6=ipv6 j=junk-session-cookies l=list-only L=location M=manual m=max-time
        n=netrc :=next N=no-buffer o=output Z=parallel #=progress-bar x=proxy U=proxy-user
        p=proxytunnel Q=quote r=range e=referer J=remote-header-name O=remote-name R=remote-time
        X=request S=show-error s=silent Y=speed-limit y=speed-time 2=sslv2 3=sslv3 t=telnet-option
        z=time-cond 1=tlsv1 T=upload-file B=use-ascii u=user A=user-agent v=verbose V=version
        w=write-out
        """)
)
DATA = {"data", "data-ascii", "data-binary", "data-raw", "data-urlencode", "json"}
NOT_FOLLOWED = {
    "config": "options in a file",
    "netrc": "credentials in .netrc",
    "netrc-file": "credentials in .netrc",
}
