"""Makes the certificates beside this file: .venv/test/bin/python local/doctor/tests/it/certificates/make.py

All of them have one key, which protects nothing: it is public. They outlive everybody, but for the one that has ended.
"""

from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HERE = Path(__file__).parent
KEY = ec.generate_private_key(ec.SECP256R1())
FIRST_DAY = datetime(2020, 1, 1)
LAST_DAY = datetime(2999, 12, 31)


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def make(file: str, issuer: str, host: str, is_authority: bool = False, last_day: datetime = LAST_DAY) -> None:
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(issuer if is_authority else host))
        .issuer_name(name(issuer))
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(FIRST_DAY)
        .not_valid_after(last_day)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if not is_authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    certificate = builder.sign(KEY, hashes.SHA256())
    (HERE / file).write_bytes(certificate.public_bytes(serialization.Encoding.DER))


make("authority.der", "test authority", "", is_authority=True)
make("good.der", "test authority", "localhost")
make("ended.der", "test authority", "localhost", last_day=datetime(2020, 12, 31))
make("another_name.der", "test authority", "another.example")
make("self_signed.der", "localhost", "localhost")
(HERE / "key.der").write_bytes(
    KEY.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
)
