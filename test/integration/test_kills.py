"""test_kills.py - SIGKILL at random moments, in short; the seed draws the same again. test/soak/kills.py goes on for longer."""

import pytest

from soak.kills import Kills


@pytest.mark.parametrize("seed", [1, 2])
def test_the_next_up_puts_it_right(sandbox, seed):
    kills = Kills(sandbox, seed)
    assert kills.run(10, seconds=25) > 2 and kills.hit and kills.files, kills.figures()
