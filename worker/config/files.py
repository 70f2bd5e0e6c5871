"""Text that a person has written into a file."""

from __future__ import annotations

from pathlib import Path

from worker.errors import ConfigError


def read_text(path: Path) -> str:
    """Return a UTF-8 file's text as it is, without a byte order mark.

    Raises ConfigError naming the file when it cannot be read or is not UTF-8; the caller adds what to do.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror})") from None
    except ValueError:
        raise ConfigError(f"{str(path)!r} is no name of a file") from None
