"""Does transfer learning help here? Comparing it with training from scratch, honestly."""

from minnet.transfer.comparison import compare
from minnet.transfer.fine_tuning import fine_tune
from minnet.transfer.neighbours import neighbour_gap
from minnet.transfer.report import Report, Verdict
from minnet.transfer.ways import ARMS
from minnet.transfer.weights import transfer_weights

__all__ = ["ARMS", "Report", "Verdict", "compare", "fine_tune", "neighbour_gap", "transfer_weights"]
