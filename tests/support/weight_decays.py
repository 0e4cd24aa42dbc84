"""What the tests of weight decays share."""

import pytest

both_backends = pytest.mark.usefixtures("backend")
