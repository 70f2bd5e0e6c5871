"""The errors of this project: one base, few classes, one sentence each that says what to do."""


class SyncError(Exception):
    """Anything that we raise on purpose; its text is shown to a person as one line."""

    exit_code = 1

    def __str__(self) -> str:
        # A path or a library's report in it may bring newlines along.
        return " ".join(super().__str__().splitlines())


class ConfigError(SyncError):
    """A setting or the mapping is wrong; the text names the setting and says what to do."""

    exit_code = 2


class RefusedError(SyncError):
    """A command could not do what was asked: an unknown id or project, a lock that stayed taken."""


class MappingBrokenError(SyncError):
    """A source's query fails for a reason that is not one contact's; its project pauses (`mapping_broken`)."""


class ReplicaUnavailableError(SyncError):
    """The CRM replica does not answer, or lags; the caller tries again a little later."""


class LimiterUnavailableError(SyncError):
    """Redis did not answer, so no request may be permitted; what was to be sent waits."""


class BrokerUnavailableError(SyncError):
    """Redis did not take a message; what it was to set going is found again by those who look for it."""


def first_line(error: BaseException) -> str:
    """The first line of what a library says, SQLAlchemy's wrapping aside."""
    return (str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__])[0]


def sentence(error: SyncError) -> str:
    """The error's text as a person reads it, with a full stop: texts of the settings have none, as they are parts of others."""
    told = str(error)
    return told if told.endswith((".", "?", "!", "…")) else f"{told}."
