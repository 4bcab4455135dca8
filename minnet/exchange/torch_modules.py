"""Three formulas that PyTorch has no module for, as modules.

They are made when one is first asked for, since `import minnet.exchange` imports no PyTorch. A
`state_dict` of them needs no minnet; a whole module that `torch.save` pickled does.
"""

from __future__ import annotations

import functools
from typing import Any

from minnet.exchange.record import imported


@functools.cache
def modules() -> dict[str, Any]:
    """Return the classes by name: `Rescaling`, `Normalization` and `Exponential`."""
    torch = imported("torch", "minnet.exchange")
    nn = torch.nn

    class Rescaling(nn.Module):  # type: ignore[misc, name-defined]
        """y = s x + o."""

        def __init__(self, scale: float, offset: float) -> None:
            super().__init__()
            self.scale, self.offset = scale, offset

        def forward(self, x: Any) -> Any:
            return x * self.scale + self.offset

        def extra_repr(self) -> str:
            return f"{self.scale}, {self.offset}"

    class Normalization(nn.Module):  # type: ignore[misc, name-defined]
        """y = (x - μ) / σ, with σ of 1e-7 at least."""

        def __init__(self, mean: Any, variance: Any) -> None:
            super().__init__()
            self.register_buffer("mean", mean)
            self.register_buffer("variance", variance)

        def forward(self, x: Any) -> Any:
            return (x - self.mean) / self.variance.sqrt().clamp(min=1e-7)

    class Exponential(nn.Module):  # type: ignore[misc, name-defined]
        """y = eˣ."""

        def forward(self, x: Any) -> Any:
            return x.exp()

    made = {"Rescaling": Rescaling, "Normalization": Normalization, "Exponential": Exponential}
    for name, kind in made.items():
        kind.__module__, kind.__qualname__ = __name__, name  # where a pickle looks for it
    return made


def __getattr__(name: str) -> Any:
    if name in ("Rescaling", "Normalization", "Exponential"):
        return modules()[name]
    raise AttributeError(f"{__name__} has no {name!r}.")
