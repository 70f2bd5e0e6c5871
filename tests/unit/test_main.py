"""The command as a whole."""

from __future__ import annotations

import pytest

from worker.__main__ import main
from worker.cli import app


def test_ctrl_c_while_a_command_is_loaded_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code is the shell's for it."""

    def interrupted(_: str | None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "make_app", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 130
