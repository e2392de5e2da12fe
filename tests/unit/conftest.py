"""How long Hypothesis searches: little in every run, more with HYPOTHESIS_PROFILE=thorough."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# No deadline: the machine is shared. The blob that a failure prints replays it with @reproduce_failure.
settings.register_profile(
    "brief", max_examples=30, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", settings.get_profile("brief"), max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "brief"))
