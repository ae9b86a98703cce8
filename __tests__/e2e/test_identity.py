"""The real oauth2-proxy with the flags of every identity provider: who gets in, by browser and by bearer token.

Run by the local stack's Python, after `npm run build`: `PYTHONPATH=. .local/venv/bin/python __tests__/e2e/test_identity.py`.

The flags are those that the constructs make. Replaced are only addresses: where oauth2-proxy listens, its upstream, and the
issuer, which is a small one on 127.0.0.1 without TLS. For Google, GitHub and Entra ID, which have theirs built in, it is the
URLs of tokens, keys and API instead.
"""

import base64
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from local import certificates, session_stores
from local.tasks.network import free_ports

CONSTANT = "require('./dist/constructs/containers/images.js').OAUTH2_PROXY_VERSION"
VERSION = subprocess.run(["node", "-p", CONSTANT], check=True, capture_output=True, text=True).stdout.strip()
BINARY = f".local/bin/oauth2-proxy-{VERSION}"
CLIENT = "web-client"
TENANT = "7f9c24e8-3b12-4fef-91e0-5b7a4ef1c0de"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)

COMMAND = """
const { IdentityProvider, JwtIssuer } = require("./dist/constructs");
const { oauth2ProxyContainer } = require("./dist/constructs/containers/oauth2-proxy");
const { login, programs, sessionStoreUrl } = JSON.parse(process.argv[1]);
const props = { login: IdentityProvider.of(login), programs: programs.map((each) => JwtIssuer.of(each)) };
const { command } = oauth2ProxyContainer({ ...props, secrets: {}, publicHost: "mlflow.example.com", sessionStoreUrl });
console.log(JSON.stringify(command));
"""

DOMAIN = {"emailDomains": ["example.com"]}
LOGINS: dict[str, dict[str, Any]] = {
    "google": {"provider": "google", **DOMAIN},
    "entra-id": {"provider": "entra-id", "tenantId": TENANT, **DOMAIN},
    "entra-id, groups": {"provider": "entra-id", "tenantId": TENANT, "groups": ["ml"], "groupsClaim": "roles"},
    "okta": {"provider": "okta", "issuer": "https://acme.okta.com", **DOMAIN},
    "okta, groups": {"provider": "okta", "issuer": "https://acme.okta.com", "groups": ["ml"]},
    "cognito": {"provider": "cognito", "userPoolId": "eu-west-1_AbCdEf123", **DOMAIN},
    "cognito, groups": {"provider": "cognito", "userPoolId": "eu-west-1_AbCdEf123", "groups": ["ml"]},
    "keycloak": {"provider": "keycloak", "issuer": "https://login.example.com/realms/acme", **DOMAIN},
    "keycloak, groups": {"provider": "keycloak", "issuer": "https://login.example.com/realms/acme", "groups": ["ml"]},
    "keycloak, roles": {"provider": "keycloak", "issuer": "https://login.example.com/realms/acme", "groups": ["role:ml"]},
    "github": {"provider": "github", "organization": "acme"},
    "github, teams": {"provider": "github", "organization": "acme", "teams": ["ml", "ops"]},
    "github, e-mail": {"provider": "github", "organization": "acme", **DOMAIN},
    "gitlab": {"provider": "gitlab", "groups": ["ml"]},
    "gitlab, e-mail": {"provider": "gitlab", "groups": ["ml"], **DOMAIN},
    "auth0": {"provider": "auth0", "domain": "acme.eu.auth0.com", **DOMAIN},
    "auth0, groups": {"provider": "auth0", "domain": "acme.eu.auth0.com", "groups": ["ml"], "groupsClaim": "https://acme/groups"},
    "oidc": {"provider": "oidc", "issuer": "https://login.example.com", **DOMAIN},
    "oidc, groups": {"provider": "oidc", "issuer": "https://login.example.com", "groups": ["ml"]},
    "oidc, both": {"provider": "oidc", "issuer": "https://login.example.com", "groups": ["ml"], **DOMAIN},
    "oidc, refresh": {
        "provider": "oidc",
        "issuer": "https://login.example.com",
        "scopes": ["openid", "email", "offline_access"],
        **DOMAIN,
    },
}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt(claims: dict[str, Any]) -> str:
    parts = [json.dumps({"alg": "RS256", "kid": "1", "typ": "JWT"}), json.dumps(claims)]
    content = ".".join(b64(part.encode()) for part in parts)
    return f"{content}.{b64(KEY.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def serve(handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Handler(BaseHTTPRequestHandler):
    def answer(self, body: Any, status: int = 200, **headers: str) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


class Upstream(Handler):
    """In MLflow's place: says whom it was told of, or at TOLD all headers."""

    def do_GET(self) -> None:
        self.answer(self.headers.items() if self.path == TOLD else {"email": self.headers.get("X-Forwarded-Email")})


@dataclass
class Person:
    """Whom the issuer logs in next."""

    claims: dict[str, Any] = field(default_factory=dict)
    organizations: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    refreshable: bool = True
    seconds: int = 300


class Issuer(Handler):
    """Any number of OpenID Connect issuers, one for each first part of the path, and GitHub's API."""

    issuer: ClassVar[str]
    person: ClassVar[Person]
    nonces: ClassVar[dict[str, str]] = {}
    refreshes: ClassVar[int] = 0

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {key: value for key, [value] in parse_qs(url.query).items()}
        origin = f"http://{self.headers['Host']}"
        if url.path.endswith("/.well-known/openid-configuration"):
            issuer = origin + url.path.removesuffix(".well-known/openid-configuration")
            plain = issuer.rstrip("/")
            endpoints = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            self.answer(
                {
                    "issuer": issuer if "slash" in issuer else plain,
                    **{key: f"{plain}/{path}" for key, path in endpoints.items()},
                    "id_token_signing_alg_values_supported": ["RS256"],
                }
            )
        elif url.path.endswith("/keys"):
            numbers = KEY.public_key().public_numbers()
            n, e = (b64(number.to_bytes((number.bit_length() + 7) // 8, "big")) for number in (numbers.n, numbers.e))
            self.answer({"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "n": n, "e": e}]})
        elif url.path.endswith("/authorize"):
            code = str(len(self.nonces))
            self.nonces[code] = query.get("nonce", "")
            self.answer({}, 302, Location=query["redirect_uri"] + "?" + urlencode({"code": code, "state": query["state"]}))
        elif url.path == "/oauth/userinfo":
            self.answer(claims_of(self.headers["Authorization"].split()[1]))
        elif url.path == "/user/orgs":
            self.answer([{"login": each} for each in self.person.organizations] if query["page"] == "1" else [])
        elif url.path == "/user/teams":
            split = [each.split(":") for each in self.person.teams] if query["page"] == "1" else []
            self.answer([{"slug": team, "organization": {"login": organization}} for organization, team in split])
        elif url.path == "/user/emails":
            self.answer([{"email": self.person.claims["email"], "primary": True, "verified": True}])
        else:
            self.answer({"login": "ann"})

    def do_POST(self) -> None:
        form = {key: value for key, [value] in parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()).items()}
        if form["grant_type"] == "refresh_token":
            Issuer.refreshes += 1
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "1234",
            "exp": int(time.time()) + self.person.seconds,
            **({"nonce": self.nonces[form["code"]]} if "code" in form else {}),
            **self.person.claims,
        }
        token = jwt(claims)
        answer = {"access_token": token, "id_token": token, "token_type": "Bearer", "expires_in": self.person.seconds}
        self.answer(answer | ({"refresh_token": "refresh"} if self.person.refreshable else {}))


class Proxy:
    """A running oauth2-proxy."""

    def __init__(
        self,
        login: dict[str, Any],
        programs: list[dict[str, Any]] = [],  # noqa: B006
        change: dict[str, str] = {},  # noqa: B006
        store: str | None = None,
    ) -> None:
        self.issuer = f"http://127.0.0.1:{ISSUER.server_port}/" + ("slash/" if login["provider"] == "auth0" else "login")
        extra = [{**each, "issuer": "https://extra.invalid"} for each in programs]
        own = {"login": login, "programs": extra, **({"sessionStoreUrl": store} if store else {})}
        command: list[str] = json.loads(subprocess.check_output(["node", "-e", COMMAND, json.dumps(own)]))
        [port] = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        changes = {
            r"--http-address=.*": f"--http-address=127.0.0.1:{port}",
            r"--upstream=.*": f"--upstream=http://127.0.0.1:{UPSTREAM.server_port}",
            r"--oidc-issuer-url=.*": f"--oidc-issuer-url={self.issuer}",
            r"--extra-jwt-issuers=https://extra.invalid=": f"--extra-jwt-issuers={EXTRA}=",
            **change,
        }
        flags = list(command)
        api = f"http://127.0.0.1:{ISSUER.server_port}"
        redeem = f"--redeem-url={api}/login/token"
        if login["provider"] == "entra-id":
            # It insists on the real issuer, so only what discovery would find is replaced.
            self.issuer = f"https://login.microsoftonline.com/{login['tenantId']}/v2.0"
            del changes["--oidc-issuer-url=.*"]
            flags += ["--skip-oidc-discovery=true", f"--login-url={api}/login/authorize", redeem, f"--oidc-jwks-url={api}/login/keys"]
        elif login["provider"] in ("google", "github"):
            flags += [redeem, f"--validate-url={api}/"]
        for pattern, replacement in changes.items():
            flags = [re.sub(pattern, replacement, flag) for flag in flags]
        given, made = ({flag.split("=")[0] for flag in each} for each in (flags, command))
        self.count, self.left_out = len(command), made - given
        self.log = tempfile.TemporaryFile()
        secrets = {"OAUTH2_PROXY_CLIENT_ID": CLIENT, "OAUTH2_PROXY_CLIENT_SECRET": "s", "OAUTH2_PROXY_COOKIE_SECRET": "k" * 32}
        env = {**secrets, "SSL_CERT_FILE": str(certificates.BUNDLE)}
        self.process = subprocess.Popen([BINARY, *flags], env=env, stdout=self.log, stderr=self.log)

    def __enter__(self) -> "Proxy":
        for _ in range(100):
            if self.process.poll() is not None:
                break
            try:
                if requests.get(self.url + "/ping", timeout=5).ok:
                    return self
            except requests.ConnectionError:
                time.sleep(0.1)
        output = self.output()
        self.__exit__()
        raise AssertionError(f"oauth2-proxy did not start:\n{output}")

    def __exit__(self, *_: Any) -> None:
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def output(self) -> str:
        self.log.seek(0)
        return self.log.read().decode()

    def get(self, path: str, **headers: str) -> requests.Response:
        # Not in a session: its cookies are Secure, and this is no TLS.
        return requests.get(self.url + path, headers=headers, allow_redirects=False, timeout=10)

    def login(self, person: Person) -> tuple[int, str]:
        """What the way back from the issuer answers with, and the cookies after it."""
        Issuer.issuer, Issuer.person = self.issuer, person
        start = self.get("/")
        url = urlsplit(start.headers["Location"])._replace(scheme="http", netloc=f"127.0.0.1:{ISSUER.server_port}")
        back = requests.get(url._replace(path="/login/authorize").geturl(), allow_redirects=False, timeout=10).headers["Location"]
        assert back.startswith("https://mlflow.example.com/oauth2/callback?"), back
        end = self.get(back.removeprefix("https://mlflow.example.com"), Cookie=cookies(start))
        return end.status_code, cookies(end)

    def bearer(self, token: str) -> tuple[int, str | None]:
        """The status that a token gets on a path of MLflow's API, and the e-mail that MLflow is told."""
        answer = self.get("/api/2.0/mlflow/experiments/search", Authorization=f"Bearer {token}")
        return answer.status_code, answer.json()["email"] if answer.ok else None


def cookies(answer: requests.Response) -> str:
    return "; ".join(f"{each.name}={each.value}" for each in answer.cookies if each.value)


def token(issuer: str, audience: str = CLIENT, **claims: Any) -> str:
    return jwt({"iss": issuer, "aud": audience, "sub": "1234", "exp": int(time.time()) + 300, **claims})


UPSTREAM = serve(Upstream)
ISSUER = serve(Issuer)
EXTRA = f"http://127.0.0.1:{ISSUER.server_port}/extra"
LOGIN = "the login's own"
TOLD = "/api/told"
IN, OUT = 302, (403, 500)


def member(name: str) -> Person:
    """Whom a login must let in."""
    everything = {"groups": ["other", "ml"], "cognito:groups": ["ml"], "roles": ["ml"], "https://acme/groups": ["ml"]}
    claims = {"email": "ann@example.com", "email_verified": True, **everything, "realm_access": {"roles": ["ml"]}}
    return Person(claims, ("acme",), ("acme:ml",))


def strangers(name: str) -> dict[str, Person]:
    """Whom it must keep out."""
    login, ann = LOGINS[name], member(name)
    found = {}
    if "emailDomains" in login:
        found["another domain"] = Person({**ann.claims, "email": "eve@evil.example"}, ann.organizations, ann.teams)
        found["a longer domain"] = Person({**ann.claims, "email": "eve@notexample.com"}, ann.organizations, ann.teams)
        if login["provider"] != "github":
            found["an unverified e-mail"] = Person({**ann.claims, "email_verified": False})
    if "groups" in login:
        found["no group"] = Person({"email": "eve@example.com", "email_verified": True})
        empty = dict.fromkeys(("groups", "cognito:groups", "roles", "https://acme/groups"), ["other"])
        found["another group"] = Person({"email": "eve@example.com", "email_verified": True, **empty})
    if login["provider"] == "github":
        found["no organization"] = Person(ann.claims)
        found["another organization"] = Person(ann.claims, ("other",), ("other:ml",))
    if "teams" in login:
        found["no team"] = Person(ann.claims, ("acme",))
    return found


class EveryIdentityProvider(unittest.TestCase):
    def test_starts_and_lets_the_right_people_in(self) -> None:
        for name, login in LOGINS.items():
            with self.subTest(name), Proxy(login) as proxy:
                self.assertEqual(proxy.get("/api/2.0/mlflow/experiments/search").status_code, 401)
                self.assertEqual(proxy.get("/api/2.0/mlflow/experiments/search", Authorization="Bearer x").status_code, 403)
                start = proxy.get("/")
                query = {key: value for key, [value] in parse_qs(urlsplit(start.headers["Location"]).query).items()}
                self.assertEqual(start.status_code, 302)
                self.assertEqual(query["redirect_uri"], "https://mlflow.example.com/oauth2/callback")
                self.assertEqual(query["code_challenge_method"], "S256")
                self.assertEqual("nonce" in query, login["provider"] not in ("google", "github"))
                self.assertEqual(query.get("access_type"), "offline" if name == "google" else None)
                self.assertEqual(query.get("prompt"), "consent" if name == "oidc, refresh" else None)
                status, session = proxy.login(member(name))
                self.assertEqual(status, IN, proxy.output())
                self.assertEqual(proxy.get("/", Cookie=session).json(), {"email": "ann@example.com"})
                for who, person in strangers(name).items():
                    with self.subTest(who):
                        status, session = proxy.login(person)
                        self.assertIn(status, OUT)
                        self.assertNotIn(proxy.get("/", Cookie=session).status_code, (200,))
                self.assertNotIn("WARN", proxy.output().upper())
                # It refuses to start with a flag that it does not know.
                left_out = ", ".join(sorted(proxy.left_out)) or "none"
                print(f"{name:<18} started {VERSION}, {proxy.count} flags, left out: {left_out}; scope: {query['scope']}")

    def test_has_cookies_that_only_this_host_gets(self) -> None:
        with Proxy(LOGINS["oidc"]) as proxy:
            header = proxy.get("/").headers["Set-Cookie"]
            self.assertRegex(header, r"^__Host-mlflow")
            for part in ("Path=/;", "Secure", "HttpOnly", "SameSite=Lax"):
                self.assertIn(part, header)
            self.assertNotIn("Domain", header)


class BearerTokens(unittest.TestCase):
    CI = "project_path:evil/x:ref_type:branch:ref:ann@example.com"

    def check(self, name: str, expected: dict[str, tuple[str, tuple[int, str | None]]], **more: Any) -> None:
        """`expected` has for each token what it must get; the issuer LOGIN stands for the login's own."""
        with self.subTest(name), Proxy(LOGINS[name], **more) as proxy:
            own = {who: claims_of(made) for who, (made, _) in expected.items()}
            sent = {who: jwt({**each, "iss": proxy.issuer if each["iss"] == LOGIN else each["iss"]}) for who, each in own.items()}
            found = {who: proxy.bearer(made) for who, made in sent.items()}
            self.assertEqual(found, {who: answer for who, (_, answer) in expected.items()})

    def test_of_the_login_need_what_people_need(self) -> None:
        ann = {"email": "ann@example.com", "email_verified": True}
        self.check(
            "oidc",
            {
                "a person": (token(LOGIN, **ann), (200, "ann@example.com")),
                "a stranger": (token(LOGIN, email="eve@evil.example"), (403, None)),
                "an unverified e-mail": (token(LOGIN, email="ann@example.com", email_verified=False), (403, None)),
                "a machine": (token(LOGIN), (403, None)),
                "another audience": (token(LOGIN, "other", **ann), (403, None)),
                "expired": (token(LOGIN, **ann, exp=1), (403, None)),
            },
        )
        self.check(
            "oidc, groups",
            {
                "a person": (token(LOGIN, **ann, groups=["ml"]), (200, "ann@example.com")),
                "a person without a group": (token(LOGIN, **ann), (403, None)),
                "a machine": (token(LOGIN, groups=["ml"]), (200, "1234")),
                "a machine without a group": (token(LOGIN), (403, None)),
            },
        )
        for name, claims in {
            "entra-id, groups": {"roles": ["ml"]},
            "cognito, groups": {"cognito:groups": ["ml"]},
            "keycloak, roles": {"realm_access": {"roles": ["ml"]}},
        }.items():
            machine = {"a machine": (token(LOGIN, **claims), (200, "1234")), "a stranger": (token(LOGIN), (403, None))}
            self.check(name, machine)

    def test_of_jobs_on_gitlab_are_no_people(self) -> None:
        # Any job can have this token where GitLab is the login: it chooses its audience and its branch's name.
        for name in ("gitlab", "gitlab, e-mail"):
            self.check(name, {"a job": (token(LOGIN, sub=self.CI), (403, None))})
        # Why the constructs insist on groups: this is what it would be without.
        without = {"--gitlab-group=ml": "--silence-ping-logging=true"}
        self.check("gitlab, e-mail", {"a job": (token(LOGIN, sub=self.CI), (200, self.CI))}, change=without)
        # And why they use GitLab's own flag: it ignores the other one.
        ignored = {"--gitlab-group=ml": "--allowed-group=ml"}
        self.check("gitlab, e-mail", {"a job": (token(LOGIN, sub=self.CI), (200, self.CI))}, change=ignored)

    def test_of_another_issuer_can_name_people(self) -> None:
        programs = [{"issuer": "https://extra.invalid", "audience": "mlflow"}]
        forged = {
            "an e-mail": (token(EXTRA, "mlflow", email="ann@example.com"), (200, "ann@example.com")),
            "a subject like an e-mail": (token(EXTRA, "mlflow", sub="ann@example.com"), (200, "ann@example.com")),
            "a branch like an e-mail": (token(EXTRA, "mlflow", sub=self.CI), (200, self.CI)),
            "a job": (token(EXTRA, "mlflow", sub="repo:acme/x:ref:refs/heads/main"), (403, None)),
            "another audience": (token(EXTRA, "other", email="ann@example.com"), (403, None)),
        }
        self.check("oidc", forged, programs=programs)
        groups = {
            "an e-mail": (token(EXTRA, "mlflow", email="ann@example.com"), (403, None)),
            "groups": (token(EXTRA, "mlflow", email="ann@example.com", groups=["ml"]), (200, "ann@example.com")),
        }
        self.check("oidc, groups", groups, programs=programs)
        # An issuer beside the login is asked for the claim "groups", whatever the login's is called.
        own_claim = {"its own claim": (token(EXTRA, "mlflow", **{"cognito:groups": ["ml"]}), (403, None))}
        self.check("cognito, groups", own_claim, programs=programs)
        # GitHub's organization holds for them too, unless e-mail domains are set.
        job = {"an e-mail": (token(EXTRA, "mlflow", email="ann@example.com"), (403, None))}
        self.check("github", job, programs=programs)
        self.check("github, e-mail", {"an e-mail": (job["an e-mail"][0], (200, "ann@example.com"))}, programs=programs)

    def test_of_service_accounts_on_google_need_a_project_of_ours(self) -> None:
        programs = [{"issuer": "https://extra.invalid", "audience": "mlflow", "projects": ["acme-training"]}]
        accounts = {
            "ours": (token(EXTRA, "mlflow", email="ci@acme-training.iam.gserviceaccount.com"), (200, "ci@acme-training.iam.gserviceaccount.com")),
            "a stranger's": (token(EXTRA, "mlflow", email="ci@evil-training.iam.gserviceaccount.com"), (403, None)),
            "a default one": (token(EXTRA, "mlflow", email="1-compute@developer.gserviceaccount.com"), (403, None)),
        }
        self.check("google", accounts, programs=programs)

    def test_have_the_last_word_over_a_cookie(self) -> None:
        with Proxy(LOGINS["oidc"]) as proxy:
            _, session = proxy.login(member("oidc"))
            headers = {"Cookie": session, "Authorization": "Bearer " + token("https://evil.example")}
            self.assertEqual(proxy.get("/api/2.0/mlflow/experiments/search", **headers).status_code, 403)


class WhatMlflowIsTold(unittest.TestCase):
    def test_of_the_caller_comes_from_the_token_alone(self) -> None:
        with Proxy(LOGINS["oidc"]) as proxy:
            ann = token(proxy.issuer, email="ann@example.com", email_verified=True)

            def told(**headers: str) -> dict[str, str]:
                answer = proxy.get(TOLD, Authorization=f"Bearer {ann}", **headers)
                self.assertEqual(answer.status_code, 200)
                return {name.lower().replace("_", "-"): value for name, value in answer.json()}

            plain = told()
            self.assertEqual(plain["x-forwarded-email"], "ann@example.com")
            for name in ("User", "Email", "Groups", "Preferred-Username"):
                for spelled in (f"X-Forwarded-{name}", f"X_Forwarded_{name.replace('-', '_')}", f"X-FORWARDED_{name}"):
                    with self.subTest(spelled):
                        self.assertEqual(told(**{spelled: "eve@example.com"}), plain)
            # A client can take its own name away, as Go's proxy heeds Connection, but not give itself another one.
            nameless = told(**{"Connection": "X-Forwarded-Email", "X-Forwarded-Email": "eve@example.com"})
            self.assertEqual(nameless, {name: value for name, value in plain.items() if name != "x-forwarded-email"})


class Sessions(unittest.TestCase):
    SOON: ClassVar[dict[str, str]] = {"--cookie-refresh=5m": "--cookie-refresh=1s"}

    def alive_after_its_first_token(self, name: str, refreshable: bool) -> bool:
        with Proxy(LOGINS[name], change=self.SOON) as proxy:
            person = member(name)
            person.refreshable, person.seconds = refreshable, 3
            status, session = proxy.login(person)
            self.assertEqual(status, IN, proxy.output())
            time.sleep(4)
            return proxy.get("/", Cookie=session).status_code == 200

    def test_live_on_by_a_refresh_token_only(self) -> None:
        for name in ("google", "entra-id", "okta", "cognito", "keycloak", "gitlab", "auth0", "oidc, refresh"):
            with self.subTest(name):
                before = Issuer.refreshes
                self.assertTrue(self.alive_after_its_first_token(name, refreshable=True))
                self.assertEqual(Issuer.refreshes, before + 1)
        self.assertFalse(self.alive_after_its_first_token("oidc", refreshable=False))

    def test_at_github_need_none(self) -> None:
        self.assertTrue(self.alive_after_its_first_token("github", refreshable=False))


@contextmanager
def session_store() -> Iterator[int]:
    """The port of a Valkey or Redis with TLS, in cluster mode."""
    certificates.authority()
    [port] = free_ports(1)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        server = subprocess.Popen(session_stores.server(port, Path(folder)), stdout=log, stderr=log)
        try:
            for _ in range(100):
                if session_stores.is_ready(port):
                    break
                time.sleep(0.1)
            else:
                raise AssertionError("the session store did not start")
            yield port
        finally:
            server.terminate()
            server.wait()


class LoggingOut(unittest.TestCase):
    LARGE: ClassVar[list[str]] = [f"group-{number:04d}" for number in range(600)]

    def member(self) -> Person:
        person = member("oidc")
        person.claims["groups"] = self.LARGE
        return person

    def status(self, proxy: Proxy, session: str) -> int:
        return proxy.get("/", Cookie=session).status_code

    def test_without_a_session_store_leaves_the_cookie_good(self) -> None:
        with Proxy(LOGINS["oidc"]) as proxy:
            _, session = proxy.login(self.member())
            self.assertGreater(len(session), 4096)
            self.assertEqual(proxy.get("/oauth2/sign_out", Cookie=session).status_code, 302)
            self.assertEqual(self.status(proxy, session), 200)

    def test_with_a_session_store_ends_the_session(self) -> None:
        with session_store() as port, Proxy(LOGINS["oidc"], store=f"rediss://127.0.0.1:{port}") as proxy:
            _, session = proxy.login(self.member())
            print(f"session store: the cookie has {len(session)} bytes")
            self.assertLess(len(session), 300)
            self.assertEqual(self.status(proxy, session), 200)
            self.assertEqual(proxy.get("/oauth2/sign_out", Cookie=session).status_code, 302)
            self.assertEqual(self.status(proxy, session), 302)
            self.assertEqual(session_stores.ask(port, "DBSIZE"), "0")

    def test_can_be_done_for_others_by_deleting_sessions(self) -> None:
        with session_store() as port, Proxy(LOGINS["oidc"], store=f"rediss://127.0.0.1:{port}") as proxy:
            ann, bob, eve = (proxy.login(self.member())[1] for _ in range(3))
            # The cookie is base64 of "v2.<base64 of the key>.<the key that the session is encrypted with>", time, signature.
            ticket = base64.urlsafe_b64decode(ann.split("=", 1)[1].split("|")[0] + "==").decode()
            key = base64.urlsafe_b64decode(ticket.split(".")[1] + "==").decode()
            self.assertRegex(key, r"^__Host-mlflow-[0-9a-f]{32}$")
            self.assertEqual(session_stores.ask(port, "DEL", key), "1")
            self.assertEqual([self.status(proxy, each) for each in (ann, bob, eve)], [302, 200, 200])
            session_stores.ask(port, "FLUSHALL")
            self.assertEqual([self.status(proxy, each) for each in (bob, eve)], [302, 302])

    def test_is_nothing_that_the_store_can_be_read_for(self) -> None:
        with session_store() as port, Proxy(LOGINS["oidc"], store=f"rediss://127.0.0.1:{port}") as proxy:
            _, session = proxy.login(self.member())
            [key] = session_stores.ask(port, "KEYS", "*").splitlines()
            held = session_stores.ask(port, "GET", key)
            self.assertGreater(len(held), 1000)
            for plain in ("ann", "example.com", "group-0001", "eyJ"):
                self.assertNotIn(plain, key + held)
            session_stores.ask(port, "SET", key, "made up" * 10)
            self.assertEqual(self.status(proxy, session), 302)

    def test_happens_to_people_without_the_store_not_to_programs(self) -> None:
        with ExitStack() as both:
            with session_store() as port:
                proxy = both.enter_context(Proxy(LOGINS["oidc"], store=f"rediss://127.0.0.1:{port}"))
                _, session = proxy.login(self.member())
                ann = token(proxy.issuer, email="ann@example.com", email_verified=True)
                self.assertEqual(proxy.bearer(ann), (200, "ann@example.com"))
                self.assertEqual(session_stores.ask(port, "DBSIZE"), "1")
            self.assertEqual(proxy.bearer(ann), (200, "ann@example.com"))
            self.assertEqual(self.status(proxy, session), 302)
            with self.assertRaisesRegex(AssertionError, "unable to set a redis initialization key"):
                both.enter_context(Proxy(LOGINS["oidc"], store=f"rediss://127.0.0.1:{port}"))


if __name__ == "__main__":
    sys.exit(unittest.main())
