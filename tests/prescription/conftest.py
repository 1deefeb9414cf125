"""What every prescription test starts from."""

import pytest

from openitb import catalogue
from openitb.catalogue import Pump


@pytest.fixture(scope="session")
def pump() -> Pump:
    return catalogue.load().pump("synchromed-ii-20")
