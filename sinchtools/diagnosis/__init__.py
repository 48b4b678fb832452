"""What is wrong with a request: findings, the first is the answer."""

from sinchtools.diagnosis.diagnosis import Diagnosis, diagnose

__all__ = ["Diagnosis", "diagnose"]
