"""What of a local deployment needs no local AWS: the parameters that it takes."""

from __future__ import annotations

import pytest

from local.deploy import require_parameters
from local.errors import LocalError
from tests.template import TEMPLATE


def test_every_parameter_of_the_template_may_be_given() -> None:
    require_parameters([f"{name}=1" for name in TEMPLATE["Parameters"]])


@pytest.mark.parametrize("given", ["BreakerSecond=60", "BreakerSeconds", "BreakerSeconds=", "Rate=1", "=", "Type=x"])
def test_one_that_there_is_not_is_refused(given: str) -> None:
    with pytest.raises(LocalError, match=r"is not like NAME=VALUE with one of .*BreakerSeconds"):
        require_parameters([given])
