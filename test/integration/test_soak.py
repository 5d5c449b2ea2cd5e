"""test_soak.py - the soak in short: the same blows for each seed. `./build.sh soak` goes on for longer, and draws others."""

import pytest

from soak.soak import Soak
from support.wire import Wire


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_happens_nothing_is_lost(sandbox, seed, tmp_path):
    with Wire(sandbox.server.port, tmp_path) as wire:
        soak = Soak(sandbox, wire, seed)
        rounds = soak.run(18)
    assert rounds > 10 and soak.files, soak.figures()
