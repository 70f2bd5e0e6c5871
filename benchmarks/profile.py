"""Where the time of a drain goes: functions by py-spy, statements by PostgreSQL's own log.

    python -m benchmarks.profile [CHANGES]

The rate of such a run is not worth quoting: both watchers cost something.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.drain import drain
from benchmarks.ground import Ground, Program

TOP = 40
HERTZ = 250
OURS = "(worker/"
LINE = re.compile(r"duration: ([0-9.]+) ms  (?:(parse|bind|execute) [^:]*|statement):\s+(.*)")


def main(changes: int) -> None:
    """Drain so many changes under watch, and print where the time went."""
    with Ground() as ground:

        @contextmanager
        def watched(programs: list[Program]) -> Iterator[None]:
            log_durations(ground, "0")
            with spied(programs[0], ground.home / "worker.stacks"):
                yield
            log_durations(ground, "-1")

        drained = drain(ground, changes * 4 // 10, changes, faults=0.0, beside=watched)
        console = Console(width=200, highlight=False)
        console.print(
            f"{drained.rate:,.0f} changes/s, {drained.cpu_per_1000:.3f} CPU s per 1,000 changes, both while watched"
        )
        for title, inclusive in (("our functions, with all that they call", True), ("functions, alone", False)):
            console.print(functions(title, ground.home / "worker.stacks", inclusive=inclusive))
        console.print(statements(ground.postgres.log))


@contextmanager
def spied(program: Program, file: Path) -> Iterator[None]:
    """py-spy on a program and its children."""
    command = [str(Path(sys.executable).parent / "py-spy"), "record", "--pid", str(program.pid), "--subprocesses"]
    command += ["--format", "raw", "--rate", str(HERTZ), "--nonblocking", "--output", str(file)]
    spy = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        spy.send_signal(signal.SIGINT)
        spy.wait()


def log_durations(ground: Ground, least: str) -> None:
    """Log every statement that takes so many milliseconds; none where `least` is -1."""
    with psycopg.connect(ground.postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"ALTER SYSTEM SET log_min_duration_statement = {least}")
        connection.execute("SELECT pg_reload_conf()")


def functions(title: str, stacks: Path, *, inclusive: bool) -> Table:
    """Share of the samples in which a function of ours was on the stack, or any was its top."""
    counts: Counter[str] = Counter()
    total = 0
    for line in stacks.read_text(encoding="utf-8").splitlines():
        stack, _, samples = line.rpartition(" ")
        frames = [re.sub(r":\d+\)$", ")", frame) for frame in stack.split(";")]
        for frame in {frame for frame in frames if OURS in frame} if inclusive else frames[-1:]:
            counts[frame] += int(samples)
        total += int(samples)
    table = Table("share", title, title=f"{total / HERTZ:.1f} s of Python that ran, or waited for a core")
    for frame, samples in counts.most_common(TOP):
        table.add_row(f"{samples / total:.1%}", frame)
    return table


def statements(log: Path) -> Table:
    """Milliseconds in PostgreSQL by statement; parsing, binding and executing together."""
    spent: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    for duration, step, text in LINE.findall(log.read_text(encoding="utf-8", errors="replace")):
        spent[text[:110]] += float(duration)
        calls[text[:110]] += step in {"execute", ""}
    table = Table("ms", "calls", "ms a call", "statement (its first line)", title=f"{sum(spent.values()) / 1000:.1f} s")
    for text, milliseconds in spent.most_common(TOP):
        count = calls[text] or 1
        table.add_row(f"{milliseconds:,.0f}", f"{count:,}", f"{milliseconds / count:.2f}", text)
    return table


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 20_000)
