"""From a row of the CRM, or a producer's payload, to the finished document: pure functions, no I/O."""
