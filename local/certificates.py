"""The local certificate authority, and the certificates that it signs."""

import os
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local.settings import HOME, RUN

CA_CERTIFICATE = HOME / "ca" / "ca.pem"
CA_KEY = HOME / "ca" / "ca.key"
BUNDLE = HOME / "ca" / "bundle.pem"
DAYS = 397


@dataclass(frozen=True)
class Certificate:
    """PEM files of a certificate and its private key."""

    certificate: Path
    key: Path


def authority() -> bool:
    """Makes the authority and the bundle (the machine's authorities and ours); False if it was there already."""
    made = not (CA_CERTIFICATE.is_file() and CA_KEY.is_file() and _valid_for(CA_CERTIFICATE) > DAYS)
    if made:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "MLflow local stack (this machine only)")])
        builder = _builder(name, name, key.public_key(), 10 * 365)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(
            x509.NameConstraints(permitted_subtrees=[x509.DNSName("localhost")], excluded_subtrees=None), critical=True
        )
        _write(CA_KEY, _pem(key), 0o600)
        _write(CA_CERTIFICATE, builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    _write(BUNDLE, _machine_bundle().read_bytes().rstrip() + b"\n" + CA_CERTIFICATE.read_bytes())
    return made


def leaf(domain: str) -> Certificate:
    """A certificate for a domain, the hosts directly below it, and 127.0.0.1, signed by the authority."""
    issuer = x509.load_pem_x509_certificate(CA_CERTIFICATE.read_bytes())
    issuer_key = serialization.load_pem_private_key(CA_KEY.read_bytes(), password=None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain)])
    hosts = [x509.DNSName(domain), x509.DNSName(f"*.{domain}"), x509.IPAddress(IPv4Address("127.0.0.1"))]
    names = x509.SubjectAlternativeName(hosts)
    builder = (
        _builder(subject, issuer.subject, key.public_key(), DAYS)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    files = Certificate(RUN / "certificates" / f"{domain}.pem", RUN / "certificates" / f"{domain}.key")
    _write(files.key, _pem(key), 0o600)
    _write(files.certificate, builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return files


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
    now = datetime.now(timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _valid_for(certificate: Path) -> int:
    ends = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    return (ends - datetime.now(timezone.utc)).days


def _machine_bundle() -> Path:
    """The authorities that programs on this machine trust; a preset variable is how companies add theirs."""
    candidates = [os.environ.get("REQUESTS_CA_BUNDLE"), os.environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile]
    for candidate in candidates:
        if candidate and Path(candidate).is_file() and Path(candidate) != BUNDLE:
            return Path(candidate)
    import certifi

    return Path(certifi.where())


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
