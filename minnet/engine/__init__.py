"""The network with its three vectors, a training step, and what an optimizer remembers."""
