"""`check`: what a person is told before anything is sent."""

from worker.operate.check.check import check
from worker.operate.check.finding import Example, Finding

__all__ = ["Example", "Finding", "check"]
