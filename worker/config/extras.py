"""What comes with an extra of the distribution, as a worker does without it."""

from __future__ import annotations

from importlib.util import find_spec

from worker.errors import ConfigError


def require_extra(package: str, extra: str, what: str, otherwise: str = "") -> None:
    """`what` comes with `package`, and that with `extra`; `otherwise` says what else there is to do.

    Raises ConfigError, which says how to install it, if the package is not there.
    """
    if find_spec(package) is None:
        raise ConfigError(f'{what} is not installed: pip install "ringostat-sync[{extra}]"{otherwise}.')
