"""What a certificate says about itself (RFC 5280, 4.1), for warnings only: OpenSSL decides what is valid.

Python's ssl module shows the fields of certificates of clients and CAs, but not those of a server's own.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_MOST = 500
"""Certificates of a file that are read; the bundle of all public CAs has 140."""

_RSA = bytes.fromhex("2a864886f70d010101")
_ALT_NAME = bytes.fromhex("551d11")
_SEQUENCE, _BIT_STRING, _OID, _UTC_TIME, _TIME = 0x30, 0x03, 0x06, 0x17, 0x18
_VERSION, _EXTENSIONS = 0xA0, 0xA3

Item = tuple[int, bytes]
"""A DER element: its tag and its content."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """When it is valid, whether it names hosts, and how many bits its RSA key has, 0 for other kinds of key."""

    begins: datetime
    ends: datetime
    has_names: bool
    rsa_bits: int


def read_certificates(pem: bytes) -> list[Certificate]:
    """Return the certificates in a PEM text; those that cannot be read are left out."""
    found = []
    for block in _BLOCK.findall(pem)[:_MOST]:
        try:
            found.append(_certificate(base64.b64decode(block)))
        except (binascii.Error, ValueError, IndexError):
            continue
    return found


def _certificate(der: bytes) -> Certificate:
    [(_, body), *_] = _items(_items(der)[0][1])
    fields = _items(body)
    if fields[0][0] == _VERSION:
        fields = fields[1:]
    begins, ends = (_moment(each) for each in _items(fields[3][1])[:2])
    return Certificate(begins, ends, _has_names(fields), _rsa_bits(fields[5][1]))


def _items(data: bytes) -> list[Item]:
    """Return the elements that follow each other in ``data``. Raises ValueError or IndexError if they are cut off."""
    found, at = [], 0
    while at < len(data):
        tag, size, at = data[at], data[at + 1], at + 2
        if size & 0x80:  # the length of the length
            width = size & 0x7F
            size, at = int.from_bytes(data[at : at + width]), at + width
        if at + size > len(data):
            raise ValueError("cut off")
        found.append((tag, data[at : at + size]))
        at += size
    return found


def _moment(item: Item) -> datetime:
    tag, text = item
    if tag not in {_UTC_TIME, _TIME}:
        raise ValueError("not a time")
    digits = text.decode("ascii")
    if tag == _UTC_TIME:  # two digits stand for the years 1950 to 2049
        digits = ("19" if digits >= "50" else "20") + digits
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _has_names(fields: list[Item]) -> bool:
    extensions = [content for tag, content in fields if tag == _EXTENSIONS]
    return any(_items(each)[0] == (_OID, _ALT_NAME) for part in extensions for _, each in _items(_items(part)[0][1]))


def _rsa_bits(key: bytes) -> int:
    (_, algorithm), (_, bits) = _items(key)[:2]
    if _items(algorithm)[0] != (_OID, _RSA):
        return 0
    modulus = _items(_items(bits[1:])[0][1])[0][1]
    return int.from_bytes(modulus).bit_length()
