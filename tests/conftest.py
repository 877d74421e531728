"""Settings for all tests."""

from __future__ import annotations

import os

from hypothesis import settings

# CI answers one question, whether this change broke something, so it tries the same cases each
# time; a developer's machine looks for new ones.
settings.register_profile("ci", derandomize=True, database=None, deadline=None)
settings.register_profile("search", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "search")
