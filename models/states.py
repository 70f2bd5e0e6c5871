"""The states of everything that has states: what each means, and who moves it on.

A change is a row of `outbox` until the collector ingests it; then its contact is a row of `pending`, `in_flight`
or neither (settled). The state of a contact is the table that it is in, so no two states can be true at once:

    outbox ──ingest──► pending ──claim──► in_flight ──settle──► deliveries | dead_letters
                           ▲                   │
                           └─retry, release, recover
"""

from enum import IntEnum, StrEnum

SCHEMA = "ringostat_sync"
LONGEST_KEY = 512
"""Characters that a key, or an id on the wire, may have: a PostgreSQL index takes no entry above 2,704 bytes."""


class Method(StrEnum):
    """The API's two methods; organizations go first within a round, as they complete contacts."""

    ORGANIZATIONS = "organizations"
    CONTACTS = "contacts"


class Identity(StrEnum):
    """Which of the API's two ids the key of a contact is."""

    EXTERNAL_ID = "externalId"
    LEAD_ID = "leadId"


class Priority(IntEnum):
    """Who goes first within a project and method; the smaller number does."""

    LIVE = 0
    FAN_OUT = 1
    BACKFILL = 2


class BatchState(StrEnum):
    """A batch exists while its contacts are in flight; settling its last contact deletes it."""

    CUT = "cut"
    """Claimed by the collector, its message is on the way. `push` moves it on; `recover` sends the message again."""

    PUSHING = "pushing"
    """A worker holds it under a lease. Settling moves it on; `recover` takes it back when the lease is over."""

    SNOOZED = "snoozed"
    """Waits for the rate limit in the middle of a split, or for a new lease if its own is too short for the next request. The
    collector makes it `cut` again when it is due."""


class DeadLetterState(StrEnum):
    """A dead letter; one per contact is alive (open or requeued)."""

    OPEN = "open"
    """Waits for an operator, or for a later change of the contact that settles."""

    REQUEUED = "requeued"
    """An operator sent the contact again; settling closes the dead letter, failing opens it again."""

    CLOSED = "closed"
    """The contact was sent, unchanged or absent later. Purged by age."""

    DISCARDED = "discarded"
    """An operator gave it up. Purged by age."""


class WalkPurpose(StrEnum):
    """What a walk over a source is for."""

    RECONCILE = "reconcile"
    """All contacts are compared with what was accepted; what differs is held if it is too much."""

    POLL = "poll"
    """Capture of a source without triggers; what differs is sent."""


class DeadLetterReason(StrEnum):
    """Why a contact could not be sent."""

    INVALID = "invalid"
    NO_DIRECTIONS = "no_directions"
    DUPLICATE_KEY = "duplicate_key"
    MAPPING_ERROR = "mapping_error"
    REFUSED = "refused"
    TOO_LARGE = "too_large"
    ATTEMPTS = "attempts"


class PauseReason(StrEnum):
    """Why a project is paused. All but `by_hand` carry a deadline, at which one real batch goes out as a probe."""

    BY_HAND = "by_hand"
    API_DOWN = "api_down"
    UNAUTHORIZED = "unauthorized"
    UNEXPECTED_ANSWER = "unexpected_answer"
    REFUSING_ALL = "refusing_all"
    MAPPING_BROKEN = "mapping_broken"


class IncidentKind(StrEnum):
    """What can happen to the database itself."""

    WENT_BACK = "went_back"
    """It lost what it had: a restore, or a failover that lost commits. Over when every source was reconciled."""

    SEQUENCES_BEHIND = "sequences_behind"
    """Ids would be given a second time, as after a move by logical replication. `migrate` sets them right."""
