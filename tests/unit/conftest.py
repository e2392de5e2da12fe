"""How long Hypothesis searches: little in every run, more with HYPOTHESIS_PROFILE=thorough."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

# No deadline: the machine is shared. The blob that a failure prints replays it with @reproduce_failure.
# A brief run tells a failure as it was found, since to shrink one that needs an oracle takes up to ten minutes; the
# same test, run thoroughly, finds it again in .hypothesis, and shrinks it.
settings.register_profile(
    "brief",
    max_examples=30,
    deadline=None,
    print_blob=True,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.target],
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", settings.get_profile("brief"), max_examples=1_000, phases=tuple(Phase))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "brief"))
