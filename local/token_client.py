"""Fetches an ID token as a program would: authorization code with PKCE, the browser's part played by requests."""

import base64
import hashlib
import html
import re
import secrets
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

REDIRECT_URI = "http://127.0.0.1/callback"
SCOPE = "openid email profile groups"
TIMEOUT_SECONDS = 10
MAX_REDIRECTS = 10


class LoginError(Exception):
    """The identity provider did not give a token; the message says why."""


def fetch_token(issuer: str, client_id: str, email: str, password: str, ca_bundle: str) -> str:
    """Signs in at `issuer` and returns the ID token of the public client `client_id`."""
    with requests.Session() as session:
        session.verify = ca_bundle
        session.trust_env = False
        endpoints = _ask(session, "GET", f"{issuer}/.well-known/openid-configuration").json()
        verifier = secrets.token_urlsafe(48)
        state, nonce = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        answer = _ask(
            session,
            "GET",
            endpoints["authorization_endpoint"],
            params={
                "client_id": client_id,
                "redirect_uri": REDIRECT_URI,
                "response_type": "code",
                "scope": SCOPE,
                "state": state,
                "nonce": nonce,
                "code_challenge": _base64url(hashlib.sha256(verifier.encode()).digest()),
                "code_challenge_method": "S256",
            },
        )
        target = sign_in(session, answer, email, password, REDIRECT_URI)
        callback = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        if callback.get("state") != state:
            raise LoginError("the answer of the identity provider belongs to another login (state differs)")
        if "code" not in callback:
            raise LoginError(f"the identity provider refused: {callback.get('error_description') or callback.get('error')}")
        answer = _ask(
            session,
            "POST",
            endpoints["token_endpoint"],
            data={
                "grant_type": "authorization_code",
                "client_id": client_id,
                "redirect_uri": REDIRECT_URI,
                "code": callback["code"],
                "code_verifier": verifier,
            },
        )
        if not answer.ok:
            raise LoginError(f"no token for the code: {answer.status_code} {answer.json().get('error_description', '')}")
        return answer.json()["id_token"]


def _ask(session: requests.Session, method: str, url: str, **options: Any) -> requests.Response:
    try:
        return session.request(method, url, allow_redirects=False, timeout=TIMEOUT_SECONDS, **options)
    except (requests.RequestException, OSError) as error:
        raise LoginError(f"{urlsplit(url).netloc} does not answer: {error}") from None


def sign_in(session: requests.Session, answer: requests.Response, email: str, password: str, redirect_uri: str) -> str:
    """Follows redirects, posts the login form once, and returns the redirect to `redirect_uri` without following it."""
    posted = False
    for _ in range(MAX_REDIRECTS):
        if answer.is_redirect:
            target = urljoin(answer.url, answer.headers["Location"])
            if target.startswith(f"{redirect_uri}?"):
                return target
            answer = _ask(session, "GET", target)
        elif answer.ok and not posted:
            posted = True
            answer = _ask(session, "POST", answer.url, data={"email": email, "password": password})
        else:
            raise LoginError(f"{email} cannot sign in: {_message(answer)}")
    raise LoginError(f"more than {MAX_REDIRECTS} redirects, the last one to {answer.url}")


def _message(answer: requests.Response) -> str:
    found = re.search(r'class="error"[^>]*>([^<]+)<', answer.text)
    return html.unescape(found[1]) if found else f"{answer.url} answered {answer.status_code}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
