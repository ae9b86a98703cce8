"""Requests that must be refused, however they are written: paths, methods, headers, framing, cookies, the login.

Without a login a path of the API answers 401, a page 302 to the identity provider. Where a good token goes along, the marker
is in the part that must not arrive. What the load balancer would refuse is tried behind it, too, since ours is nginx and
AWS's is not: then the status is oauth2-proxy's.
"""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable

from local.proof.intruder import SESSION, Case, Intruder, ask

Request = Callable[[Intruder], str]
API = "/api/2.0/mlflow/experiments/search"
CREATE = "/api/2.0/mlflow/experiments/create"
GOOD = "Authorization: Bearer {token}"
JSON = "Content-Type: application/json"
COOKIE = "Cookie: {cookie}"
BEHIND = "behind the load balancer"


def plain(line: str, *headers: str, body: str = "") -> Request:
    return lambda who: ask(line, *headers, body=body)


def both(name: str, request: Request, here: tuple[int, ...], behind: tuple[int, ...]) -> list[Case]:
    """Through the load balancer and behind it."""
    return [Case(name, here, request), Case(f"{name}, {BEHIND}", behind, request, door="proxy")]


# --- Paths, as they stand on the wire, each with the marker as its query. One status if both doors have the same.

PATHS: dict[str, int | tuple[int, int]] = {
    API: 401,
    "/ajax-api/2.0/mlflow/experiments/search": 401,
    "/graphql": 401,
    "/get-artifact": 401,
    "/model-versions/get-artifact": 401,
    "/v1/traces": 401,
    "/gateway/x/invocations": 401,
    "/version": 401,
    "/": 302,
    "/health": 302,
    "/metrics": 302,
    "/static-files/index.html": 302,
    "/static-files/../api/2.0/mlflow/experiments/search": 301,
    "//api/2.0/mlflow/experiments/search": 301,
    "/%2fapi/2.0/mlflow/experiments/search": 302,
    "/%61pi/2.0/mlflow/experiments/search": 302,
    "/API/2.0/mlflow/experiments/search": 302,
    "/api/..;/api/2.0/mlflow/experiments/search": 401,
    "/api;x=/2.0/mlflow/experiments/search": 302,
    "/api./2.0/mlflow/experiments/search": 302,
    "/api/2.0/mlflow/experiments/search/": 401,
    "/api/2.0/mlflow/experiments/search%00": (400, 401),
    "/api%3f/2.0/mlflow/experiments/search": 302,
    "/api%23/2.0/mlflow/experiments/search": 302,
    "/api\\2.0\\mlflow\\experiments\\search": 302,
    "/api%5c2.0%5cmlflow": 302,
    "/ping/../api/2.0/mlflow/experiments/search": 301,
    "/ping%2f..%2fapi/2.0/mlflow/experiments/search": 302,
    "/ping%3f/../api/2.0/mlflow/experiments/search": 301,
    "/ping;/api/2.0/mlflow/experiments/search": 302,
    "/ping/api/2.0/mlflow/experiments/search": 302,
    "/ready/../api/2.0/mlflow/experiments/search": 301,
    "/robots.txt/../api/2.0/mlflow/experiments/search": 301,
    "/oauth2/../api/2.0/mlflow/experiments/search": 301,
    "/oauth2/static/../../api/2.0/mlflow/experiments/search": 301,
    "/oauth2/static/%2e%2e/%2e%2e/api/2.0/mlflow": 404,
    "/oauth2/auth": 401,
    "/oauth2/userinfo": 401,
    "https://{host}/api/2.0/mlflow/experiments/search": 401,
    "https://evil.example/api/2.0/mlflow/experiments/search": (421, 401),
    "api/2.0/mlflow/experiments/search": 400,
    "*": 400,
}


METHODS: dict[str, int | tuple[int, int]] = {
    "HEAD": 401,
    "POST": 401,
    "PUT": 401,
    "PATCH": 401,
    "DELETE": 401,
    "OPTIONS": 401,
    "PROPFIND": 401,
    "GETX": 401,
    "get": (400, 401),
    "TRACE": (405, 401),
    "CONNECT": (405, 401),
}


def lines(line: str, found: dict[str, int | tuple[int, int]]) -> list[Case]:
    """Both doors for each name that a table puts into a request's first line."""
    statuses = {name: one if isinstance(one, tuple) else (one, one) for name, one in found.items()}
    return [
        case
        for name, (here, behind) in statuses.items()
        for case in both(name, plain(line.replace("<name>", name)), (here,), (behind,))
    ]


# --- Headers that some proxies believe.

SPOOFED = (
    "X-Forwarded-User: admin@example.com",
    "X-Forwarded-Email: admin@example.com",
    "X-Forwarded-Groups: data-scientists",
    "X-Forwarded-Preferred-Username: admin",
    "X_Forwarded_Email: admin@example.com",
    "X_Forwarded_User: admin@example.com",
    "X-Auth-Request-Email: admin@example.com",
    "X-Remote-User: admin@example.com",
    "Remote-User: admin@example.com",
    "GAP-Auth: admin@example.com",
    "X-Real-IP: 127.0.0.1",
    "X-Forwarded-For: 127.0.0.1",
    "Forwarded: for=127.0.0.1;host=localhost;proto=https",
    "X-Forwarded-Host: localhost:4180",
    "X-Forwarded-Proto: http",
    "X-Forwarded-Uri: /ping",
    "X-Forwarded-Uri: /oauth2/sign_in#/api",
    "X-Forwarded-Method: OPTIONS",
    "X-Original-URL: /ping",
    "X-Rewrite-URL: /ping",
    "X-HTTP-Method-Override: OPTIONS",
    "X-Auth-Request-Redirect: /ping",
    "User-Agent: ELB-HealthChecker/2.0",
    "User-Agent: GoogleHC/1.0",
    "Accept: text/html",
    "Connection: close, X-Forwarded-Email",
    "Connection: close, Cookie",
)

# --- Framing. The first request is one that its sender may make; {hidden} is what MLflow must never see as a second one.

HIDDEN = f"GET {API}?{{marker}} HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\n\r\n"
FIRST = (f"POST {CREATE} HTTP/1.1", "Host: {host}", GOOD, JSON)
SEEN = (f"GET {API}?max_results=1 HTTP/1.1", "Host: {host}", GOOD)
ENDED = "00\r\n\r\n{hidden}"
WRAPPED = "{size}\r\n{hidden}\r\n0\r\n\r\n"


def framed(*headers: str, body: str, first: tuple[str, ...] = FIRST) -> Request:
    """A first request with these headers; {length} is that of the body, {size} that of what is hidden."""

    def request(who: Intruder) -> str:
        hidden = HIDDEN.replace("{host}", who.values["host"])
        content = body.replace("{size}", f"{len(hidden):x}").replace("{hidden}", hidden)
        return "\r\n".join([*first, *headers, "", content]).replace("{length}", str(len(content)))

    return request


TE = "Transfer-Encoding: chunked"
FEEDS = f"GET {API}%0d%0a%0d%0aGET%20/x HTTP/1.1"
H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
WEBSOCKET = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
)
FRAMING: dict[str, tuple[Request, tuple[int, ...], tuple[int, ...]]] = {
    "both lengths, CL.TE": (framed("Content-Length: {length}", TE, body=ENDED), (400,), (400, 401)),
    "both lengths, TE.CL": (framed("Content-Length: 4", TE, "Connection: close", body=WRAPPED), (400,), (400,)),
    "two Content-Lengths": (framed("Content-Length: 0", "Content-Length: {length}", body="{hidden}"), (400,), (400,)),
    "two numbers in Content-Length": (framed("Content-Length: 0, {length}", body="{hidden}"), (400,), (400,)),
    "Content-Length: +0": (framed("Content-Length: +0", body="{hidden}"), (400,), (400,)),
    "Content-Length: -1": (framed("Content-Length: -1", body="{hidden}"), (400,), (400,)),
    "Content-Length: 0x0": (framed("Content-Length: 0x0", body="{hidden}"), (400,), (400,)),
    "Content-Length without a number": (framed("Content-Length:", body="{hidden}"), (400,), (400,)),
    "Transfer-Encoding: xchunked": (framed("Transfer-Encoding: xchunked", body=ENDED), (501,), (501,)),
    "Transfer-Encoding: chunked, identity": (framed("Transfer-Encoding: chunked, identity", body=ENDED), (501,), (501,)),
    "Transfer-Encoding: identity, chunked": (framed("Transfer-Encoding: identity, chunked", body=ENDED), (501,), (501,)),
    "Transfer-Encoding twice": (framed(TE, "Transfer-Encoding: x", body=ENDED), (400,), (501,)),
    "Transfer-Encoding with a vertical tab": (framed("Transfer-Encoding: \x0bchunked", body=ENDED), (501,), (400,)),
    "a blank before the colon": (framed("Transfer-Encoding : chunked", "Content-Length: 6", body=ENDED), (400,), (400,)),
    "a tab before the colon": (framed("Transfer-Encoding\t: chunked", "Content-Length: 6", body=ENDED), (400,), (400,)),
    "an underscore": (framed("Transfer_Encoding: chunked", "Content-Length: 0", body="{hidden}"), (400, 401), (400, 401)),
    "a folded header": (framed("X-Folded: x", f" {TE}", "Content-Length: 6", body=ENDED), (400,), (400, 401)),
    "a folded value": (framed("Transfer-Encoding:", " chunked", "Content-Length: 6", body=ENDED), (400,), (400, 401)),
    "a header without a colon": (framed("Nonsense", "Content-Length: 0", body="{hidden}"), (400, 401), (400,)),
    "a null character": (framed("X-Null: a\0b", "Content-Length: 0", body="{hidden}"), (400,), (400,)),
    "a bare carriage return": (framed(f"X-Bare: a\r{TE}", "Content-Length: 0", body="{hidden}"), (400,), (400,)),
    "a bare line feed": (framed(f"X-Bare: a\n{TE}", "Content-Length: 6", body=ENDED), (400,), (400, 401)),
    "a chunk's size that is no number": (framed(TE, body=f"zz\r\n\r\n{ENDED}"), (400,), (502,)),
    "a chunk's size below zero": (framed(TE, body=f"-1\r\n\r\n{ENDED}"), (400,), (502,)),
    "a chunk's size beyond 64 bits": (framed(TE, body=f"10000000000000000\r\n\r\n{ENDED}"), (400,), (502,)),
    "a chunk's extension with a line feed": (framed(TE, body=f"2;\nxx\r\n{ENDED}"), (400, 401), (502,)),
    "a chunk longer than it says": (framed(TE, body=f"2\r\nxxxx\r\n{ENDED}"), (400,), (502,)),
    "trailers": (framed(TE, "Trailer: Content-Length", body="0\r\nContent-Length: 100\r\n\r\n{hidden}"), (400, 401), (400,)),
    "Expect": (framed("Expect: 100-continue", "Content-Length: 0", body="{hidden}"), (100, 400, 401), (100, 400, 401)),
    "a GET with a second one": (framed("Content-Length: 0", body="{hidden}", first=SEEN), (200, 401), (200, 401)),
    "a GET with chunks": (framed(TE, body=ENDED, first=SEEN), (200, 401), (200, 401)),
    "an upgrade to h2c": (
        framed(*H2C, body="{hidden}", first=SEEN),
        (200, 401),
        (200, 401),
    ),
    "an upgrade to WebSocket": (
        framed(*WEBSOCKET, body="{hidden}", first=SEEN),
        (405, 401),
        (405, 401),
    ),
    "line feeds in the path": (framed(body="{hidden}", first=(FEEDS, *SEEN[1:])), (404, 401), (404, 401)),
}


# --- Sessions. A cookie is `value|time|HMAC`, under its name, with the environment's secret.


def session(secret: str | None = None, age: int = 0, name: str = SESSION) -> Callable[[Intruder], str]:
    """The session's cookie, signed anew: with another secret, at another time, for another name."""

    def make(who: Intruder) -> str:
        value = "".join(who.cookies[part] for part in sorted(who.cookies)).partition("|")[0]
        issued = str(int(time.time()) - age)
        key = who.environment.secrets["oauth2-cookie-secret"] if secret is None else secret
        signature = hmac.digest(key.encode(), f"{SESSION}{value}{issued}".encode(), hashlib.sha256)
        return f"{name}={value}|{issued}|{base64.urlsafe_b64encode(signature).decode()}"

    return make


def _changed(who: Intruder, old: str, new: str) -> str:
    return re.sub(old, new, session()(who), count=1)


def with_cookie(make: Callable[[Intruder], str]) -> Request:
    return lambda who: ask("GET {search}", f"Cookie: {make(who)}")


def _cookie_of_another_environment(who: Intruder) -> str:
    others = [Intruder(one) for one in who.stack.environments if one.name != who.environment.name]
    return others[0].values["cookie"] if others else session("another environment's cookie key")(who)


COOKIES: dict[str, Callable[[Intruder], str]] = {
    "made up": lambda who: f"{SESSION}=user@example.com",
    "made up, in three parts": lambda who: f"{SESSION}=dXNlckBleGFtcGxlLmNvbQ==|{int(time.time())}|AAAA",
    "empty": lambda who: f"{SESSION}=",
    "of another environment": _cookie_of_another_environment,
    "signed with another secret": session("0123456789abcdef0123456789abcdef"),
    "signed with an empty secret": session(""),
    "from 13 hours ago": session(age=13 * 3600),
    "from tomorrow": session(age=-86400),
    "value changed": lambda who: _changed(who, "=.", "=B" if "=A" in session()(who) else "=A"),
    "time changed": lambda who: _changed(who, r"\|\d+", f"|{int(time.time()) + 60}"),
    "signature changed": lambda who: _changed(who, r"\|[^|]{8}([^|]*)$", r"|AAAAAAAA\1"),
    "signature cut off": lambda who: _changed(who, r"\|[^|]*$", "|"),
    "cut in the middle": lambda who: session()(who)[: len(session()(who)) // 2],
    "under another name": session(name="mlflow"),
    "under the name without its prefix": session(name="_oauth2_proxy"),
    "under the name in lower case": session(name=SESSION.lower()),
    "under the name of a login under way": session(name=f"{SESSION}_csrf"),
    "its second part alone": session(name=f"{SESSION}_1"),
}

# --- The way through the login.


def callback(query: str, *cookies: str) -> Request:
    return plain(f"GET /oauth2/callback?{query}&{{marker}}", *(f"Cookie: {cookie}" for cookie in cookies))


def _under_way(who: Intruder, path: str = "/oauth2/start?rd=/") -> tuple[str, str]:
    """A login before its last step: the CSRF cookie and the path back."""
    browser, back = who.log_in(path)
    cookies = "; ".join(f"{one.name}={one.value}" for one in browser.cookies if one.name.startswith(SESSION))
    return cookies, back.removeprefix(who.environment.uri)


def _someone_elses_login(who: Intruder) -> str:
    return ask(f"GET {_under_way(who)[1]}&{{marker}}")


def _two_logins_mixed(who: Intruder) -> str:
    return ask(f"GET {_under_way(who)[1]}&{{marker}}", f"Cookie: {_under_way(who)[0]}")


def _state_of_another_login(who: Intruder) -> str:
    cookies, back = _under_way(who)
    state = re.search("state=[^&]*", _under_way(who)[1])[0]
    return ask(f"GET {re.sub('state=[^&]*', lambda _: state, back)}&{{marker}}", f"Cookie: {cookies}")


def _code_used_twice(who: Intruder) -> str:
    cookies, back = _under_way(who)
    request = ask(f"GET {back}&{{marker}}", f"Cookie: {cookies}")
    who.send(request)
    return request


def _made_up_code(who: Intruder) -> str:
    cookies, back = _under_way(who)
    return ask(f"GET {re.sub('code=[^&]*', 'code=made-up', back)}&{{marker}}", f"Cookie: {cookies}")


def leads(path: str) -> Request:
    """The last step of a login that began at a path."""

    def request(who: Intruder) -> str:
        cookies, back = _under_way(who, path)
        return ask(f"GET {back}", f"Cookie: {cookies}")

    return request


LOGOUT = "GET /oauth2/sign_out?{marker}"
ELSEWHERE = (
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "https:evil.example",
    "///evil.example",
    "/%09/evil.example",
    "/%0d/evil.example",
    "/./\\evil.example",
    "/..//evil.example",
    "\\\\evil.example",
    "javascript:alert(1)",
    "https://{host}@evil.example",
    "https://{host}.evil.example",
)

# --- Pages of other sites, in the browser of somebody who has logged in; and other names than ours.

ORIGINS: dict[str, str] = {
    "another site": "https://evil.example",
    "a page that does not say which": "null",
    "our name without TLS": "http://{host}",
    "our name on another port": "https://{name}:9443",
    "a neighbour": "https://evil.demo.localhost",
    "a longer name": "https://{name}.evil.example",
    "a name that ends like ours": "https://evil{host}",
    "this machine, which MLflow would believe": "http://localhost:3000",
    "two": "https://{host} https://evil.example",
}
EVIL = f"Origin: {ORIGINS['another site']}"

HOSTS: dict[str, tuple[int, str]] = {
    "another": (421, "Host: evil.example"),
    "MLflow's own, which it would believe": (421, "Host: localhost:4180"),
    "the loopback address": (421, "Host: 127.0.0.1:4180"),
    "the metadata service": (421, "Host: 169.254.169.254"),
    "a longer name": (421, "Host: {name}.evil.example"),
    "our name as a user": (421, "Host: {name}@evil.example"),
    "a list": (400, "Host: {name}, evil.example"),
    "two": (400, "Host: {host}\r\nHost: evil.example"),
    "a path": (400, "Host: {name}/../x"),
    "empty": (400, "Host:"),
}

PLAIN_HTTP: dict[str, Request] = {
    "a page": plain("GET /?{marker}"),
    "a good token": plain("GET {search}", GOOD),
    "a session": plain("GET {search}", COOKIE),
    "a POST": plain("POST {search}", GOOD),
    "another host": plain("GET {search}", GOOD, "Host: evil.example"),
    "as if TLS ended before": plain("GET {search}", GOOD, "X-Forwarded-Proto: https"),
}


def _post(*headers: str, path: str = CREATE) -> Request:
    return plain(f"POST {path}?{{marker}}", *headers, JSON, body="x")


REQUESTS = {
    "paths without a login": lines("GET <name>?{marker}", PATHS),
    "methods without a login": lines("<name> {search}", METHODS),
    "headers that nobody may believe, without a login": [
        *(Case(header, (401,), plain("GET {search}", header), door="proxy") for header in SPOOFED),
        Case("Expect: 100-continue", (100, 401), plain("GET {search}", "Expect: 100-continue")),
    ],
    "headers that nobody may believe, with a good token": [
        Case(header, (200,), plain("GET {search}", GOOD, header), door="proxy", passes=True)
        for header in (*(one for one in SPOOFED if "admin" in one), "Connection: close, Authorization")
    ],
    "framing, a second request inside a first": [
        case for name, (request, here, behind) in FRAMING.items() for case in both(name, request, here, behind)
    ],
    "sessions": [
        Case("a good session", (200,), plain("GET {search}", COOKIE), passes=True),
        Case("a good session, signed here", (200,), with_cookie(session()), passes=True),
        *(Case(name, (401,), with_cookie(make)) for name, make in COOKIES.items()),
        Case("60 KB of parts", (400,), with_cookie(lambda who: "; ".join(f"{SESSION}_{part}={'A' * 3900}" for part in range(16)))),
    ],
    "the way through the login": [
        Case("a good login", (302,), leads("/"), logs_in=True),
        Case("without anything", (500,), callback("x=1")),
        Case("a made-up state", (403,), callback("code=x&state=x:/")),
        Case("a made-up CSRF cookie", (403,), callback("code=x&state=x:/", f"{SESSION}_csrf=x")),
        Case("an error of the identity provider", (403,), callback("error=access_denied")),
        Case("someone else's login", (403,), _someone_elses_login),
        Case("the cookie of another login", (500,), _two_logins_mixed),
        Case("the state of another login", (403,), _state_of_another_login),
        Case("a made-up code", (500,), _made_up_code),
        Case("a second time", (500,), _code_used_twice),
        *(Case(f"a login that leads to {to}", (302,), leads(f"/oauth2/start?rd={to}"), logs_in=True) for to in ELSEWHERE[:3]),
        *(Case(f"a logout that leads to {to}", (302,), plain(f"{LOGOUT}&rd={to}")) for to in ELSEWHERE),
        Case("a logout that a header leads", (302,), plain(LOGOUT, f"X-Auth-Request-Redirect: {ELSEWHERE[0]}")),
    ],
    "pages of other sites, with a session": [
        Case("a POST of MLflow's own page", (400,), _post(COOKIE, "Origin: https://{host}"), passes=True),
        *(Case(f"a POST from {name}", (403,), _post(COOKIE, f"Origin: {origin}")) for name, origin in ORIGINS.items()),
        Case("a POST to GraphQL", (403,), _post(COOKIE, EVIL, path="/graphql")),
        Case("a POST of telemetry", (403,), _post(COOKIE, EVIL, path="/v1/traces")),
        Case("a GET", (403,), plain("GET {search}", COOKIE, EVIL)),
        Case("a preflight", (403,), plain(f"OPTIONS {CREATE}?{{marker}}", EVIL, "Access-Control-Request-Method: POST")),
        Case(f"{BEHIND} MLflow itself refuses", (403,), _post(COOKIE, EVIL), door="proxy", passes=True),
    ],
    "other hosts, with a good token": [
        *(Case(name, (status,), plain("GET {search}", GOOD, host)) for name, (status, host) in HOSTS.items()),
        Case("none", (400,), lambda who: "\r\n".join(["GET {search} HTTP/1.1", GOOD, "", ""])),
        Case(f"{BEHIND} MLflow itself refuses", (403,), plain("GET {search}", GOOD, HOSTS["another"][1]), "proxy", passes=True),
    ],
    "without TLS": [Case(name, (301,), request, door="http") for name, request in PLAIN_HTTP.items()],
}
