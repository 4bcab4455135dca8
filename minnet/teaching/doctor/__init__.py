"""The doctor: why does it not learn? `diagnose` asks before or after, `Doctor` during a fit."""

from minnet.teaching.doctor.callback import Doctor
from minnet.teaching.doctor.diagnosis import diagnose
from minnet.teaching.doctor.findings import KINDS, Diagnosis, Finding

__all__ = ["KINDS", "Diagnosis", "Doctor", "Finding", "diagnose"]
