"""The settings: read from environment variables and validated."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = {
    "DIGITS_SAVED_IMAGES": "saved_images",
    "DIGITS_SAVED_IMAGES_COUNT": "saved_images_count",
    "DIGITS_SAVED_IMAGES_MB": "saved_images_mb",
    "DIGITS_SLOW": "slow",
    "DIGITS_TRY_ERRORS": "try_errors",
}


class SettingError(ValueError):
    """A setting with an unacceptable value; the message is one line for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. The image folder is limited both in files and in total megabytes (10^6 bytes)."""

    saved_images: str = "saved_images"
    saved_images_count: int = 200
    saved_images_mb: float = 20.0
    slow: float = 0.0
    """Seconds to delay each prediction, to try the alert."""
    try_errors: bool = False
    """Whether to serve /try/error, which raises an exception."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Return the settings from the DIGITS_* variables. Raises SettingError for an invalid or unknown one."""
        given = {name: value.strip() for name, value in environment.items() if name.startswith("DIGITS_")}
        if unknown := sorted(given.keys() - NAMES.keys()):
            raise SettingError(f"{unknown[0]} is not a setting; accepted are {', '.join(NAMES)}")
        # An empty variable counts as unset: Compose passes one for "${DIGITS_SLOW:-}".
        return cls(**{NAMES[name]: _parsed(name, value) for name, value in given.items() if value})


def _parsed(name: str, value: str) -> Any:
    if name == "DIGITS_SAVED_IMAGES_COUNT":
        return int(_number(name, value, 0, 10_000, "a whole number from 0 to 10000", whole=True))
    if name == "DIGITS_SAVED_IMAGES_MB":
        return _number(name, value, 0.1, 100_000, "megabytes from 0.1 to 100000")
    if name == "DIGITS_SLOW":
        return _number(name, value, 0, 60, "seconds from 0 to 60")
    if name == "DIGITS_TRY_ERRORS":
        if value not in {"0", "1"}:
            raise _refused(name, value, "0 or 1")
        return value == "1"
    if not value.isprintable():
        raise _refused(name, value, "a folder")
    return value


def _number(name: str, value: str, low: float, high: float, accepted: str, *, whole: bool = False) -> float:
    try:
        number = int(value) if whole else float(value)
    except ValueError:
        raise _refused(name, value, accepted) from None
    if "_" in value or not isfinite(number) or not low <= number <= high:
        raise _refused(name, value, accepted)
    return number


def _refused(name: str, value: str, accepted: str) -> SettingError:
    return SettingError(f"{name}: {value!r} is not accepted; give {accepted}")
