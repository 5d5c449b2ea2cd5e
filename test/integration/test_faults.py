"""test_faults.py - system calls that fail, in short: a sample that the seed draws. test/soak/faults.py tries them all."""

import pytest

from soak.faults import Faults


@pytest.mark.parametrize("only", ["config ", "check ", "up ", "life ", "flush ", "down "])
def test_a_system_call_that_fails(sandbox, only):
    faults = Faults(sandbox, 1, only)
    tried = faults.run(5, least=4)
    assert not faults.failures, "\n\n".join(faults.failures)
    assert tried > 3 and faults.hit > 2, faults.figures()


@pytest.mark.parametrize("only", ["up fcntl EMFILE 2", "up getdents64", "up write EIO 2"])
def test_those_that_were_not_told(sandbox, only):
    """A supervisor without its socket served nobody, for ever; what is pending, or why a start failed, was not told."""
    faults = Faults(sandbox, 1, only)
    faults.run(6)
    assert not faults.failures, "\n\n".join(faults.failures)
    assert faults.hit, faults.figures()
