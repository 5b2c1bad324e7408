"""Settings come from the environment; an error is one line."""

from __future__ import annotations

import subprocess

import pytest

from tests.digits.support import EXAMPLE, GUNICORN
from tests.tools.ports import free_port

BAD = {
    "DIGITS_SLOW": ("soon", "seconds from 0 to 60"),
    "DIGITS_SAVED_IMAGES_COUNT": ("1.5", "a whole number from 0 to 10000"),
    "DIGITS_SAVED_IMAGES_MB": ("nan", "megabytes from 0.1 to 100000"),
    "DIGITS_TRY_ERRORS": ("yes", "0 or 1"),
    "DIGITS_SAVED_IMAGES": ("a\nb", "a folder"),
}


def test_defaults_hold_where_nothing_is_set() -> None:
    from digits.settings import Settings

    assert Settings.from_environment({"PATH": "/bin", "DIGITS_SLOW": ""}) == Settings()


def test_every_variable_is_taken_over() -> None:
    from digits.settings import NAMES, Settings

    values = ("/data", "5", "1.5", "2.5", "1")
    settings = Settings.from_environment(dict(zip(NAMES, values, strict=True)))
    assert settings == Settings(
        saved_images="/data", saved_images_count=5, saved_images_mb=1.5, slow=2.5, try_errors=True
    )


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_accepted_is_said_with_what_is(name: str) -> None:
    from digits.settings import SettingError, Settings

    value, accepted = BAD[name]
    with pytest.raises(SettingError) as caught:
        Settings.from_environment({name: value})
    assert str(caught.value) == f"{name}: {value!r} is not accepted; give {accepted}"


@pytest.mark.parametrize("value", ["-1", "61", "inf", "1_0", "0x1"])
def test_numbers_outside_their_bounds_are_refused(value: str) -> None:
    from digits.settings import SettingError, Settings

    with pytest.raises(SettingError, match="DIGITS_SLOW"):
        Settings.from_environment({"DIGITS_SLOW": value})


def test_the_server_ends_with_one_line_where_a_variable_is_misspelt() -> None:
    done = subprocess.run(
        [*GUNICORN, "--bind", f"127.0.0.1:{free_port()}", "digits:create_app()"],
        cwd=EXAMPLE,
        env={"DIGITS_SLOWW": "3"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("digits: DIGITS_SLOWW is not a setting; accepted are DIGITS_SAVED_IMAGES, ")
    assert done.stderr.count("\n") == 1
