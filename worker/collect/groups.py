"""Which batches travel in one message. Pure."""

from __future__ import annotations

from collections.abc import Sequence

GROUP = 4
"""The most batches of one project and method that are read, reserved and settled together."""

BatchIds = tuple[int, ...]
Message = tuple[BatchIds, ...]
"""Groups that follow each other, by their batches' ids."""


def groups(batches: Sequence[int], under_way: int) -> list[BatchIds]:
    """Each alone as long as few are under way, so that they go side by side; the more there are, the more travel together."""
    size = min(GROUP, max(1, -(-(len(batches) + under_way) // GROUP)))
    return [tuple(batches[first : first + size]) for first in range(0, len(batches), size)]


def messages(resent: Sequence[int], methods: Sequence[Sequence[BatchIds]]) -> tuple[Message, ...]:
    """A message a group; if several methods have groups, those of the later ones follow the first's in the same message."""
    waited = [((batch,),) for batch in resent]
    cut = [groups for groups in methods if groups]
    all_groups = [group for groups in cut for group in groups]
    if len(cut) > 1:
        return (*waited, tuple(all_groups))
    return (*waited, *((group,) for group in all_groups))
