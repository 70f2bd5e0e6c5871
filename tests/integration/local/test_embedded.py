"""The embedded servers, started, killed and started again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from tests.support.waiting import wait_until
from worker.errors import SyncError
from worker.local.up.embedded import EmbeddedPostgres, EmbeddedValkey
from worker.local.up.embedded.account import Account
from worker.local.up.embedded.ports import is_free

CARELESS = {"fsync": "off"}  # a killed process loses nothing by it
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

# A home's two servers in a process of their own, which says where they are and then waits to be killed.
RUN_BOTH = """
import json, sys, time
from pathlib import Path
from worker.local.up.embedded import EmbeddedPostgres, EmbeddedValkey
servers = EmbeddedPostgres(Path(sys.argv[1])), EmbeddedValkey(Path(sys.argv[1]))
print(json.dumps([[each.start(), each.pid] for each in servers]), flush=True)
time.sleep(600)
"""


@pytest.fixture
def empty_home() -> Iterator[Path]:
    """A folder that its owner alone can enter, as a fresh clone below /root is."""
    folder = Path(tempfile.mkdtemp(dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def used_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a run that is over; making one takes longer than copying it."""
    folder = tmp_path_factory.mktemp("used")
    for server in (EmbeddedPostgres(folder, settings=CARELESS), EmbeddedValkey(folder)):
        try:
            server.start()
        finally:
            server.stop()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def home(empty_home: Path, used_home: Path) -> Path:
    """A home of the test's own that has seen a run before."""
    return shutil.copytree(used_home, empty_home, dirs_exist_ok=True)


@pytest.fixture
def postgres(home: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(home, settings=CARELESS)
    yield server
    server.stop()


@pytest.fixture
def valkey(home: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(home)
    yield server
    server.stop()


def ask(url: str, statement: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


def client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, decode_responses=True)


def tree(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def ended(processes: list[psutil.Process]) -> bool:
    return not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in processes)


def test_postgres_answers_in_the_database_it_names(postgres: EmbeddedPostgres):
    """The URL leads to the database `crm`."""
    url = postgres.start()

    assert ask(url, "SELECT current_database()") == "crm"


def test_postgres_is_ready_for_logical_replication(postgres: EmbeddedPostgres):
    """Its write-ahead log can be decoded, so that the capture on replicas can be tried against it."""
    url = postgres.start()

    assert ask(url, "SHOW wal_level") == "logical"


def test_postgres_takes_settings(home: Path):
    """A setting handed over outweighs ours."""
    postgres = EmbeddedPostgres(home, settings={**CARELESS, "max_connections": "20"})
    try:
        assert ask(postgres.start(), "SHOW max_connections") == "20"
    finally:
        postgres.stop()


def test_postgres_keeps_its_data(postgres: EmbeddedPostgres):
    """What one run wrote is there in the next, under the same URL."""
    first = postgres.start()
    ask(first, "CREATE TABLE kept AS SELECT 7 AS number")
    postgres.stop()
    second = postgres.start()

    assert second == first
    assert ask(second, "SELECT number FROM kept") == 7


def test_postgres_comes_back_after_a_kill(postgres: EmbeddedPostgres):
    """A server killed with open connections starts again at once, with all that was committed."""
    url = postgres.start()
    ask(url, "CREATE TABLE kept AS SELECT 7 AS number")
    with closing(psycopg.connect(url)) as connection:
        connection.execute("SELECT 1")
        os.kill(postgres.pid, signal.SIGKILL)
        wait_until(lambda: not postgres.alive())
        again = postgres.start()

    assert again == url
    assert ask(again, "SELECT number FROM kept") == 7


def test_postgres_asks_for_the_password(postgres: EmbeddedPostgres):
    """A wrong password is refused."""
    url = postgres.start().replace(postgres.password, "wrong")

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_postgres_stops_without_a_trace(postgres: EmbeddedPostgres):
    """After `stop` none of its processes is left, open connections or not, and its port is free."""
    url = postgres.start()
    processes = tree(postgres.pid)
    with closing(psycopg.connect(url)) as connection:
        connection.execute("SELECT 1")
        postgres.stop()

    assert ended(processes)
    assert is_free(postgres.port)
    assert (postgres.alive(), postgres.pid) == (False, None)


def test_a_stranger_with_the_recorded_process_id_is_left_alone(postgres: EmbeddedPostgres):
    """A pid file whose number is another program's now neither stops the start nor ends that program."""
    postgres.start()
    pid_file = postgres.data / "postmaster.pid"
    record = pid_file.read_text().splitlines()
    postgres.stop()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *record[1:]]) + "\n")
        url = postgres.start()

        assert ask(url, "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_half_a_cluster_is_made_anew(empty_home: Path):
    """What an initdb killed half-way has left is cleared away, and a whole cluster made."""
    postgres = EmbeddedPostgres(empty_home, settings=CARELESS)
    (postgres.room / "data.new-killed" / "base").mkdir(parents=True)
    try:
        assert ask(postgres.start(), "SELECT 1") == 1
        assert [each.name for each in postgres.room.glob("data*")] == ["data"]
    finally:
        postgres.stop()


def test_a_start_that_fails_says_why(home: Path):
    """A server that does not come up is one line with PostgreSQL's own reason, and leaves the folder free."""
    broken = EmbeddedPostgres(home, settings={"max_connections": "none"})

    with pytest.raises(SyncError, match='invalid value for parameter "max_connections"') as caught:
        broken.start()

    assert "\n" not in str(caught.value)
    assert broken.pid is None


def test_valkey_answers(valkey: EmbeddedValkey):
    """The URL leads to a server that stores."""
    with client(valkey.start()) as connection:
        connection.set("key", "value")

        assert connection.get("key") == "value"


def test_valkey_keeps_its_data(valkey: EmbeddedValkey):
    """What one run wrote is there in the next, under the same URL."""
    first = valkey.start()
    with client(first) as connection:
        connection.set("key", "value")
    valkey.stop()
    second = valkey.start()

    assert second == first
    with client(second) as connection:
        assert connection.get("key") == "value"


def test_valkey_comes_back_after_a_kill(valkey: EmbeddedValkey):
    """A killed server starts again under the same URL, with what it had written."""
    url = valkey.start()
    with client(url) as connection:
        connection.set("key", "value")
        os.kill(valkey.pid, signal.SIGKILL)
        wait_until(lambda: not valkey.alive())

    assert valkey.start() == url
    with client(url) as connection:
        assert connection.get("key") == "value"


def test_valkey_asks_for_the_password(valkey: EmbeddedValkey):
    """Without the password nothing is answered."""
    valkey.start()

    with (
        client(f"redis://127.0.0.1:{valkey.port}/0") as connection,
        pytest.raises(redis.AuthenticationError),
    ):
        connection.ping()


def test_valkey_stops_without_a_trace(valkey: EmbeddedValkey):
    """After `stop` its process is gone and its port is free."""
    valkey.start()
    processes = tree(valkey.pid)
    valkey.stop()

    assert ended(processes)
    assert is_free(valkey.port)


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedValkey])
def test_secrets_stay_private(kind, home: Path):
    """The password stands in files that only their owner reads, and on no command line."""
    server = kind(home)
    server.start()
    try:
        files = [path for path in server.room.rglob("*") if path.is_file()]
        holding = [path for path in files if server.password.encode() in path.read_bytes()]
        command_lines = [" ".join(each.cmdline()) for each in tree(server.pid)]

        assert {stat.S_IMODE(path.stat().st_mode) for path in holding} == {0o600}
        assert not any(server.password in line for line in command_lines)
    finally:
        server.stop()


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedValkey])
def test_one_run_per_folder(kind, home: Path):
    """A second server in a folder in use is refused, and the first goes on."""
    server = kind(home)
    server.start()
    try:
        with pytest.raises(SyncError, match="SYNC_HOME"):
            kind(home).start()

        assert server.alive()
    finally:
        server.stop()


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedValkey])
def test_a_taken_port_is_passed_by(kind, home: Path):
    """Where somebody else has the port of the last run, the next free one is taken."""
    server = kind(home)
    server.start()
    server.stop()
    kept = server.port
    other = EmbeddedValkey(home / "other", port=kept)
    other.start()
    try:
        server.start()

        assert server.port > kept
    finally:
        server.stop()
        other.stop()


def test_servers_of_a_killed_run_are_taken_back(home: Path):
    """Servers whose starter was killed are ended and started anew by the next start, under the same URLs."""
    run = subprocess.Popen(
        [sys.executable, "-c", RUN_BOTH, home], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    (postgres_url, postgres_pid), (valkey_url, valkey_pid) = json.loads(run.stdout.readline())
    left_running = [psutil.Process(postgres_pid), psutil.Process(valkey_pid)]
    run.kill()
    run.communicate()
    servers = EmbeddedPostgres(home), EmbeddedValkey(home)
    try:
        assert all(each.is_running() for each in left_running)
        assert [each.start() for each in servers] == [postgres_url, valkey_url]
        assert ended(left_running)
    finally:
        for each in servers:
            each.stop()


def test_ctrl_c_does_not_reach_the_servers(postgres: EmbeddedPostgres, valkey: EmbeddedValkey):
    """Each runs in a session of its own, so that it outlives those who still use it."""
    postgres.start()
    valkey.start()
    own = os.getsid(0)

    assert own not in {os.getsid(postgres.pid), os.getsid(valkey.pid)}


@as_root
def test_root_runs_postgres_in_a_folder_of_its_own(postgres: EmbeddedPostgres, home: Path):
    """In a folder closed to everybody else it runs as well; the data stay root's and no permissions change."""
    home.chmod(0o700)
    url = postgres.start()

    assert ask(url, "SELECT 1") == 1
    assert postgres.data.stat().st_uid == 0
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@as_root
def test_root_runs_postgres_as_nobody_where_it_can(postgres: EmbeddedPostgres, home: Path):
    """In a folder open to all it runs as the user nobody, who owns the data and nothing else."""
    home.chmod(0o755)
    if not Account(65534, 65534).can_run(Path("/bin/true"), Path(sys.prefix)):
        pytest.skip("the user nobody cannot reach the installation")
    postgres.start()

    assert set(psutil.Process(postgres.pid).uids()) == {65534}
    assert postgres.data.stat().st_uid == 65534
    assert postgres.room.stat().st_uid == 0


@as_root
def test_a_folder_may_be_closed_and_opened_between_runs(postgres: EmbeddedPostgres, home: Path):
    """The data are handed from nobody to root and back as the folder's permissions ask for it."""
    numbers = []
    for mode in (0o755, 0o700, 0o755):
        home.chmod(mode)
        numbers.append(ask(postgres.start(), "SELECT 1"))
        postgres.stop()

    assert numbers == [1, 1, 1]


@as_root
def test_without_nobody_and_namespaces_the_way_out_is_named(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
):
    """Where root can lend it nobody's numbers in no way, one line says what to set."""
    monkeypatch.setattr(Account, "can_run", lambda *_: False)

    with pytest.raises(SyncError, match=r"set SYNC_HOME .* or set DATABASE_URL"):
        postgres.start()
