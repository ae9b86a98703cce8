"""Bearer tokens that must be refused: forged ones, and genuine ones that are not for us.

The forged ones are made here and not by a JWT library, since a good one refuses to make most of them.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from local.proof.intruder import SESSION, Case, Intruder, ask

Forge = Callable[[Intruder], str]
Sign = Callable[[bytes], bytes]
OTHER_ISSUER = "https://login.evil.example"
NOBODY: Sign = lambda content: b""  # noqa: E731


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(part: str) -> dict[str, Any]:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _by(key: rsa.RSAPrivateKey) -> Sign:
    return lambda content: key.sign(content, padding.PKCS1v15(), hashes.SHA256())


def _jws(header: dict[str, Any], payload: bytes, sign: Sign) -> str:
    content = f"{_encode(json.dumps(header).encode())}.{_encode(payload)}"
    return f"{content}.{_encode(sign(content.encode()))}"


def _genuine(who: Intruder) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a good token."""
    header, payload, _ = who.users_token.split(".")
    return _decode(header), _decode(payload)


def claims(**changes: Any) -> Forge:
    """The user's token with other claims (None takes one away), signed with the identity provider's own key."""

    def forge(who: Intruder) -> str:
        header, all_claims = _genuine(who)
        changed = {key: value for key, value in (all_claims | changes).items() if value is not None}
        return _jws(header, json.dumps(changed).encode(), _by(who.key))

    return forge


def payload(change: Callable[[bytes], bytes]) -> Forge:
    """The user's token with other bytes for claims, signed with the identity provider's own key."""

    def forge(who: Intruder) -> str:
        header, all_claims = _genuine(who)
        return _jws(header, change(json.dumps(all_claims).encode()), _by(who.key))

    return forge


def header(sign: Callable[[Intruder], Sign], **changes: Any) -> Forge:
    """The user's token with another header (None takes an entry away; a function is given the intruder)."""

    def forge(who: Intruder) -> str:
        genuine, all_claims = _genuine(who)
        changed = genuine | {key: value(who) if callable(value) else value for key, value in changes.items()}
        changed = {key: value for key, value in changed.items() if value is not None}
        return _jws(changed, json.dumps(all_claims).encode(), sign(who))

    return forge


def text(change: Callable[[str], str]) -> Forge:
    """The user's token, changed as a text."""
    return lambda who: change(who.users_token)


def _own(who: Intruder) -> Sign:
    return _by(who.own_key)


def _true(who: Intruder) -> Sign:
    return _by(who.key)


def _nobody(who: Intruder) -> Sign:
    return NOBODY


def _hmac(encoding: Encoding, form: PublicFormat) -> Callable[[Intruder], Sign]:
    """As if the public key were a shared secret: what a verifier does that believes the token's `alg`."""

    def sign(who: Intruder) -> Sign:
        secret = who.key.public_key().public_bytes(encoding, form)
        return lambda content: hmac.digest(secret, content, hashlib.sha256)

    return sign


def _jwk(who: Intruder) -> dict[str, str]:
    numbers = who.own_key.public_key().public_numbers()
    return {"kty": "RSA", "n": _encode(numbers.n.to_bytes(256, "big")), "e": _encode(numbers.e.to_bytes(3, "big"))}


def _tampered(token: str) -> str:
    head, middle, signature = token.split(".")
    changed = _decode(middle) | {"email": "admin@example.com"}
    return f"{head}.{_encode(json.dumps(changed).encode())}.{signature}"


def _other_signature(who: Intruder) -> str:
    return who.users_token.rpartition(".")[0] + "." + who.stack.token(who.stack.user, who.stack.other_client_id).rpartition(".")[2]


def _flipped(token: str) -> str:
    start, _, signature = token.rpartition(".")
    return f"{start}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


def _json_form(token: str) -> str:
    head, middle, signature = token.split(".")
    return _encode(json.dumps({"protected": head, "payload": middle, "signature": signature}).encode())


def _of_another_environment(who: Intruder) -> str:
    """The token for the programs of the other environment; if there is none, of one that was there before."""
    others = [one.programs_client_id for one in who.stack.environments if one.name != who.environment.name]
    return claims(aud=(others or ["mlflow-programs-before"])[0])(who)


def _login_of_another_environment(who: Intruder) -> str:
    others = [one.secrets["oauth2-client-id"] for one in who.stack.environments if one.name != who.environment.name]
    return claims(aud=(others or ["mlflow-before"])[0])(who)


def seconds(offset: int) -> int:
    return int(time.time()) + offset


EMAILS = {
    "of a foreign domain": "user@evil.example",
    "with two @, ours last": "user@evil.example@example.com",
    "with two @, ours first": "user@example.com@evil.example",
    "of a longer domain": "user@example.com.evil.example",
    "of a domain that ends like ours": "user@evilexample.com",
    "of a subdomain": "user@sub.example.com",
    "that is a domain only": "example.com",
    "with a trailing dot": "user@example.com.",
    "with a null character": "user@example.com\0.evil.example",
    "with a null character before ours": "user@evil.example\0@example.com",
    "with a new line": "user@evil.example\n@example.com",
    "with a trailing new line": "user@example.com\n",
    "with a carriage return and a header": "user@evil.example\r\nX-Forwarded-Email: user@example.com",
    "with a blank": "user@evil.example @example.com",
    "that is a list in one": "user@evil.example,user@example.com",
    "with a name": "User <user@example.com>",
    "with a quoted part": '"user@evil.example"@example.com',
    "with a percent sign": "user%40example.com@evil.example",
    "of a Cyrillic look-alike": "user@ex\u0430mple.com",
    "with a full-width letter": "user@\uff45xample.com",
    "with an ideographic full stop": "user@example\u3002com",
    "with a full-width @": "user@evil.example\uff20example.com",
    "with an invisible space": "user@example\u200b.com",
    "of a foreign domain in upper case": "USER@EVIL.EXAMPLE",
}

FORGED: dict[str, Forge] = {
    "made up": lambda who: "eyJhbGciOiJub25lIn0.e30.x",
    "no JWT": lambda who: "abc",
    "two dots and nothing": lambda who: "..",
    "expired a minute ago": claims(iat=seconds(-3660), exp=seconds(-60)),
    "expired a year ago": claims(iat=seconds(-366 * 86400), exp=seconds(-365 * 86400)),
    "without an expiry": claims(exp=None),
    "an expiry of zero": claims(exp=0),
    "an expiry that is no number": claims(exp="never"),
    "not yet valid": claims(nbf=seconds(3600)),
    "audience: another application (genuine)": lambda who: who.stack.token(who.stack.user, who.stack.other_client_id),
    "audience: the programs of another environment": _of_another_environment,
    "audience: the login of another environment": _login_of_another_environment,
    "audience: none": claims(aud=None),
    "audience: empty": claims(aud=""),
    "audience: a list of others": claims(aud=["other-programs", "mlflow"]),
    "audience: ours in upper case": lambda who: claims(aud=who.environment.programs_client_id.upper())(who),
    "audience: ours and more": lambda who: claims(aud=who.environment.programs_client_id + "-x")(who),
    "audience: a wildcard": claims(aud="*"),
    "audience: the issuer": lambda who: claims(aud=who.stack.issuer)(who),
    "issuer: another": claims(iss=OTHER_ISSUER),
    "issuer: none": claims(iss=None),
    "issuer: with a slash at its end": lambda who: claims(iss=who.stack.issuer + "/")(who),
    "issuer: without TLS": lambda who: claims(iss=who.stack.issuer.replace("https:", "http:"))(who),
    "issuer: in upper case": lambda who: claims(iss=who.stack.issuer.upper())(who),
    "issuer: ours as the user of another": lambda who: claims(iss=who.stack.issuer + "@evil.example")(who),
    "key: another with the true kid": header(_own),
    "key: another with an unknown kid": header(_own, kid="evil"),
    "key: another without a kid": header(_own, kid=None),
    "key: the true one with an unknown kid": header(_true, kid="evil"),
    "kid: a path": header(_own, kid="../../../../dev/null"),
    "kid: SQL": header(_own, kid="x' UNION SELECT 'key'--"),
    "alg: none": header(_nobody, alg="none"),
    "alg: None": header(_nobody, alg="None"),
    "alg: NONE, with a signature": header(_own, alg="NONE"),
    "alg: missing": header(_true, alg=None),
    "alg: empty": header(_nobody, alg=""),
    "alg: HS256 with the public key as PEM": header(_hmac(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), alg="HS256"),
    "alg: HS256 with the public key as PKCS 1": header(_hmac(Encoding.PEM, PublicFormat.PKCS1), alg="HS256"),
    "alg: HS256 with the public key as DER": header(_hmac(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), alg="HS256"),
    "alg: RS512 for a signature with SHA-256": header(_true, alg="RS512"),
    "alg: ES256 for a signature with RSA": header(_true, alg="ES256"),
    "jwk: its own key in the header": header(_own, jwk=_jwk),
    "jwk: its own key, without a kid": header(_own, jwk=_jwk, kid=None),
    "jku: its own key set": header(_own, jku=f"{OTHER_ISSUER}/keys"),
    "x5u: its own certificate": header(_own, x5u=f"{OTHER_ISSUER}/certificate.pem"),
    "x5c: something of its own": header(_own, x5c=["AAAA"]),
    "crit: an extension that nobody knows": header(_true, crit=["evil"], evil=True),
    "b64: claims that are not encoded": header(_true, crit=["b64"], b64=False),
    "claims changed": text(_tampered),
    "signature changed": text(_flipped),
    "signature cut off": text(lambda token: token.rpartition(".")[0] + "."),
    "signature left out": text(lambda token: token.rpartition(".")[0]),
    "signature shortened": text(lambda token: token[:-8]),
    "signature of another token": _other_signature,
    "a fourth part": text(lambda token: f"{token}.{'A' * 8}"),
    "five parts, as if encrypted": text(lambda token: f"{token}.AAAA.AAAA"),
    "the JSON form": text(_json_form),
    "claims: no JSON": payload(lambda content: content[:-1]),
    "claims: a list": payload(lambda content: b"[" + content + b"]"),
    "claims: twice": payload(lambda content: content + content),
    "claims: two e-mails, the last one foreign": payload(lambda content: content[:-1] + b', "email": "user@evil.example"}'),
}

STRANGERS: dict[str, Forge] = {
    "the outsider (genuine)": lambda who: who.stack.token(who.stack.outsider, who.environment.programs_client_id),
    "no e-mail": claims(email=None),
    "an e-mail that is empty": claims(email=""),
    "an e-mail that is not verified": claims(email_verified=False),
    "an e-mail that is a list": claims(email=["user@example.com"]),
    "an e-mail that is an object": claims(email={"user@example.com": True}),
    "an e-mail that is a number": claims(email=1),
}

SEARCH = "GET {search}"
GOOD = "Authorization: Bearer {token}"
FORM = "Content-Type: application/x-www-form-urlencoded"
OTHER_HEADERS = (
    "Proxy-Authorization",
    "X-Authorization",
    "X-Forwarded-Authorization",
    "X-Forwarded-Access-Token",
    "X-Amzn-Oidc-Data",
)


def _bearer(forge: Forge) -> Callable[[Intruder], str]:
    return lambda who: ask(SEARCH, f"Authorization: Bearer {forge(who)}")


def _basic(user: Callable[[Intruder], str]) -> Callable[[Intruder], str]:
    return lambda who: ask(SEARCH, f"Authorization: Basic {base64.b64encode(user(who).encode()).decode()}")


def _header(*lines: str) -> Callable[[Intruder], str]:
    return lambda who: ask(SEARCH, *lines)


def _client(who: Intruder) -> str:
    return ":".join(who.environment.secrets[f"oauth2-client-{part}"] for part in ("id", "secret"))


def _expired(who: Intruder) -> str:
    return claims(exp=seconds(-60))(who)


TOKENS = {
    "tokens: forged, or not for us": [
        Case("a good token, made here", (200,), _bearer(claims(nbf=seconds(-60))), passes=True),
        *(Case(name, (403,), _bearer(forge)) for name, forge in FORGED.items()),
        Case("14 KB of it", (400,), _bearer(lambda who: f"eyJ{'A' * 7000}.{'A' * 7000}.A")),
    ],
    "tokens: people who are not ours": [
        *(Case(name, (403,), _bearer(forge)) for name, forge in STRANGERS.items()),
        *(Case(f"an e-mail {name}", (403,), _bearer(claims(email=email))) for name, email in EMAILS.items()),
        # No flag of oauth2-proxy closes this; docs/security.md says so. OpenID Connect demands a subject.
        Case("known gap: neither an e-mail nor a subject", (200,), _bearer(claims(email=None, sub=None)), passes=True),
    ],
    "tokens: none, or in another place": [
        Case("none", (401,), _header()),
        Case("an empty Authorization", (401,), _header("Authorization:")),
        Case("Bearer and nothing", (403,), _header("Authorization: Bearer ")),
        Case("Bearer and two words", (403,), _header(f"{GOOD} x")),
        Case("without Bearer", (403,), _header("Authorization: {token}")),
        Case("bearer in lower case", (403,), _header(GOOD.replace("Bearer", "bearer"))),
        Case("Authorization twice", (400,), _header("Authorization: Bearer x", GOOD)),
        Case("Authorization twice, behind the load balancer", (403,), _header("Authorization: Bearer x", GOOD), "proxy"),
        Case("Basic with e-mail and password", (403,), _basic(lambda who: ":".join((who.stack.user.email, who.stack.user.password)))),
        Case("Basic with the OAuth client's id and secret", (403,), _basic(_client)),
        Case("Basic with an expired token as the password", (403,), _basic(lambda who: f"user:{_expired(who)}")),
        Case("Digest", (403,), _header('Authorization: Digest username="user", response="x"')),
        Case("in the query as access_token", (401,), lambda who: ask(SEARCH + "&access_token={token}")),
        Case("in the query as token", (401,), lambda who: ask(SEARCH + "&token={token}")),
        Case("in a form", (401,), lambda who: ask("POST {search}", FORM, body=f"access_token={who.users_token}")),
        Case("in a cookie", (401,), _header("Cookie: token={token}; access_token={token}; Authorization={token}")),
        Case("as the session's cookie", (401,), _header(f"Cookie: {SESSION}={{token}}")),
        *(Case(f"in {name}", (401,), _header(f"{name}: Bearer {{token}}")) for name in OTHER_HEADERS),
    ],
}
