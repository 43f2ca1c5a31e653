"""Key pairs that sign addresses of images for CloudFront (docs/decisions/0008-cloudfront-urls.md).

CloudFront lets nobody change a public key, so there are two places for one, A and B, and a new pair takes the free one. The public
half is a parameter of the stack. The private half is in the memory of `make deploy` until it is in its secret, and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

OTHER = {"A": "B", "B": "A"}
# The one size of RSA keys that CloudFront takes.
BITS = 2048


@dataclass(frozen=True)
class KeyPair:
    """Both halves as PEM."""

    place: str
    public: str
    private: str = field(repr=False)

    @property
    def parameter(self) -> str:
        return f"ImageKey{self.place}"


def make_pair(place: str) -> KeyPair:
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return KeyPair(place, public.decode(), private.decode())


def wants_keys(parameters: Mapping[str, str]) -> bool:
    """A distribution that stands by has its key before it is asked to verify an address."""
    delivery = parameters.get("ImageDelivery") or "presigned"
    return delivery == "cloudfront" or (delivery == "presigned" and parameters.get("CloudFront") == "on")


def place_for_new_pair(parameters: Mapping[str, str], wants_another: bool) -> str | None:
    """Where a new pair is needed: where the one that signs is missing, or beside it where another one is wanted."""
    if not wants_keys(parameters):
        return None
    signing = parameters.get("ImageKey") or "A"
    if not parameters.get(f"ImageKey{signing}"):
        return signing
    return OTHER[signing] if wants_another else None


def problem(parameters: Mapping[str, str], wants_another: bool, has_private_half: Mapping[str, bool]) -> str | None:
    """Why these parameters cannot be deployed; `has_private_half` knows the places that the stack already has."""
    place = place_for_new_pair(parameters, wants_another)
    if wants_another and not wants_keys(parameters):
        return "IMAGE_KEY=new needs PARAMETERS=ImageDelivery=cloudfront"
    if place and parameters.get(f"ImageKey{place}"):
        return f"ImageKey{place} is still trusted; PARAMETERS=ImageKey{place}= removes it first"
    signing = parameters.get("ImageKey") or "A"
    if wants_keys(parameters) and not has_private_half.get(signing, True):
        return f"nobody has the private half of ImageKey{signing}: PARAMETERS=ImageKey={OTHER[signing]} makes another pair"
    return None
