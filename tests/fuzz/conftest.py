"""How many examples, and which: the same at every run in continuous integration, new ones in a long run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

if TYPE_CHECKING:
    import pytest

# The fixtures here carry nothing over from one example to the next; a slow run is not a failure.
NO_COMPLAINT = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large)


def pytest_configure(config: pytest.Config) -> None:
    cache = getattr(config, "cache", None)
    if cache is not None:  # in .pytest_cache rather than in a separate folder
        set_hypothesis_home_dir(str(cache.mkdir("hypothesis")))
    seeded = config.getoption("--hypothesis-seed", default=None) is not None
    common = settings(deadline=None, suppress_health_check=NO_COMPLAINT, print_blob=True)
    settings.register_profile("short", common, max_examples=100, derandomize=not seeded, database=None)
    settings.register_profile("long", common, max_examples=2000)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))
