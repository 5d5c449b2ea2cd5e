"""test_soak.py - the soak in short: the same blows each time. `./build.sh soak life` goes on for longer, and draws others."""

from soak.soak import Soak
from support.wire import Wire

SEED = 1


def test_whatever_happens_nothing_is_lost(sandbox, tmp_path):
    with Wire(sandbox.server.port, tmp_path) as wire:
        soak = Soak(sandbox, wire, SEED)
        rounds = soak.run(18)
    assert rounds > 10 and soak.files, soak.figures()
