"""Every picture. matplotlib is imported only when one is drawn.

Each function draws into `ax`, or into a new figure, and returns the Axes (an array of them where
it draws several); none calls `show`. A model that is drawn stays as it was. `playground` writes an
HTML file instead.
"""

from minnet.plots.animation import animate
from minnet.plots.canvas import COLOURS, MARKERS, STYLES
from minnet.plots.data import confusion, decision_boundary, predictions
from minnet.plots.flow import activations, gradient_flow, gradients
from minnet.plots.images import feature_maps, filters
from minnet.plots.interactive import playground
from minnet.plots.landscape import loss_along, loss_surface
from minnet.plots.network import network, weights
from minnet.plots.training import label_efficiency, learning_curves, learning_rates

__all__ = [
    "COLOURS",
    "MARKERS",
    "STYLES",
    "activations",
    "animate",
    "confusion",
    "decision_boundary",
    "feature_maps",
    "filters",
    "gradient_flow",
    "gradients",
    "label_efficiency",
    "learning_curves",
    "learning_rates",
    "loss_along",
    "loss_surface",
    "network",
    "playground",
    "predictions",
    "weights",
]
