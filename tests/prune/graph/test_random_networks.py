"""Networks nobody drew: whatever is claimed exact must be exact, and come back from a file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_networks import random_network

from edgeprune.models.attributes import attributes_of
from edgeprune.prune.discovery import find_channels
from edgeprune.prune.equivalence import prove
from edgeprune.prune.removal import make_removal
from edgeprune.prune.surgery import remove_channels

SUPPORT = Path(__file__).parent.parent.parent / "support"
_NETWORKS = 300


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**31))
def test_random_networks_are_exact(assert_exact, seed: int) -> None:
    graph = assert_exact(random_network(seed), torch.randn(1, 3, 6, 6))
    assert all(group.exact for group in graph.groups)


_READER = """
import sys, torch
from random_networks import random_network
from edgeprune.models.attributes import apply_attributes
from edgeprune.models.resize import resize_parameters
torch.set_num_threads(1)
held = torch.load(sys.argv[1], weights_only=True)
outputs = {}
for seed, file in held.items():
    model = random_network(seed).eval()
    apply_attributes(model, file["attributes"])
    resize_parameters(model, file["weights"])
    model.load_state_dict(file["weights"])
    with torch.no_grad():
        outputs[seed] = model(file["inputs"])
assert not any(name.startswith("edgeprune.prune") for name in sys.modules), "no surgery here"
torch.save(outputs, sys.argv[2])
"""


@pytest.mark.slow
def test_three_hundred_are_exact_and_come_back_in_a_new_process(tmp_path: Path) -> None:
    held, expected, removed = {}, {}, 0
    for seed in range(_NETWORKS):
        model, inputs = random_network(seed).eval(), torch.randn(2, 3, 6, 6)
        graph = find_channels(model, (inputs,))
        draw = np.random.default_rng(seed)
        gone = [draw.permutation(g.size)[: draw.integers(1, g.size)] for g in graph.groups]
        removal = make_removal(gone)
        proof = prove(model, graph, removal, (inputs,))
        assert proof.dtype == "float64"
        assert proof.max_rel_error is not None, seed
        assert proof.max_rel_error <= 1e-9, seed
        remove_channels(model, graph, removal)
        removed += removal.count
        with torch.no_grad():
            expected[seed] = model(inputs)
        held[seed] = {
            "attributes": attributes_of(model), "weights": model.state_dict(), "inputs": inputs,
        }  # fmt: skip
    assert removed > 10 * _NETWORKS
    torch.save(held, tmp_path / "held.pt")
    command = [sys.executable, "-c", _READER, str(tmp_path / "held.pt"), str(tmp_path / "out.pt")]
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", check=False,
        env={"PYTHONPATH": f"{SUPPORT}:{SUPPORT.parent.parent}", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found = torch.load(tmp_path / "out.pt")
    for seed, outputs in expected.items():
        assert torch.equal(found[seed], outputs), seed
