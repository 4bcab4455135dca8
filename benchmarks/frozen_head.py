"""Training a new head on a frozen base, in minnet, tf.keras and PyTorch.

    pip install -e ".[bench]"
    python benchmarks/frozen_head.py [--quick] [--peers minnet keras …] [--rounds 3] [--threads 1]

A base of 784-512-256, ReLU, stays as it is; a head of ten outputs is trained on 10,000 rows about
ten centres for 20 epochs, Adam, batch 32. Each fit is timed as a whole, from the same weights:
minnet runs the base once for the whole fit, the others once an epoch, as their `fit` and the
tutorials' loop do. That all come to the same weights is checked before.
"""

from __future__ import annotations

import harness
from harness import Bar
from peers import PEERS, Work

WORK = Work((784, 512, 256, 10), batch=32, rows=10_000, epochs=20, frozen=True, source="centres")
BARS = {WORK.name: {"keras": Bar(faster=20.0), "torch": Bar(faster=8.0)}}

if __name__ == "__main__":
    able = [key for key, peer in PEERS.items() if peer.can_freeze]
    options = harness.parser(__doc__, able, rounds=3).parse_args()
    harness.compare("frozen_head", [WORK], BARS, options)
