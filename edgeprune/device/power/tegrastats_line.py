"""The rails in a line of `tegrastats`.

A rail is `NAME now/average` in milliwatts, without a unit on JetPack 4, with `mW` from 5 on, and
`now/average/highest` from 7.2 on. Only `now` is taken: the average runs since the program started.
"""

from __future__ import annotations

import re

from edgeprune.device.power.channel import NOT_CONNECTED

# The unit is the same throughout, and nothing but white space follows: memory is `1/2MB`.
_RAIL = re.compile(r"(?<!\S)([A-Z][A-Z0-9_]*)\s+(\d+)(mW|)/\d+\3(?:/\d+\3)?(?!\S)")


def rails_in(line: str) -> dict[str, float]:
    """Milliwatts now by rail, in the line's order; empty where it shows none."""
    return {
        match[1]: float(match[2]) for match in _RAIL.finditer(line) if match[1] != NOT_CONNECTED
    }
