"""What `load_mapping` says of a sync.toml or a SQL file that is wrong: one line, and the way out."""

from __future__ import annotations

import pytest

from tests.support.mapping_folder import SOURCE, TWO_PROJECTS, Folder
from worker.config.mapping import load_mapping
from worker.config.settings import load_settings
from worker.errors import ConfigError


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            SOURCE.replace("query =", "qurey ="),
            "sync.toml: [[sources]] 'contacts': unknown key 'qurey': did you mean query?",
        ),
        (
            SOURCE.replace("sources", "source"),
            "sync.toml: unknown key 'source': did you mean sources?",
        ),
        (
            SOURCE + 'origin = "My CRM"\n',
            "sync.toml: [[sources]] 'contacts': unknown key 'origin': "
            "it belongs to the top of the file, above the first [[…]]",
        ),
        (
            SOURCE + 'watch = [{ table = "t", key = "id", colums = ["a"] }]',
            "sync.toml: [[sources]] 'contacts', watch no. 1: unknown key 'colums': did you mean columns?",
        ),
        (
            '[[projects]]\nid = 106\nauth_key = "hunter2"\n' + SOURCE,
            "sync.toml: [[projects]] 106: unknown key 'auth_key': did you mean auth_key_env?",
        ),
        (
            "[[sources]]\nmethod = 'contacts'\nquery = 'contacts.sql'",
            "sync.toml: [[sources]] no. 1: name is missing: it must be a string of one line that is not blank",
        ),
        (
            SOURCE.replace('"contacts"\nquery', '"contact"\nquery'),
            "sync.toml: [[sources]] 'contacts': method must be \"contacts\" or \"organizations\", not 'contact'",
        ),
        (
            SOURCE + 'identity = "id"',
            "sync.toml: [[sources]] 'contacts': identity must be \"externalId\" or \"leadId\", not 'id'",
        ),
        (
            SOURCE.replace('"contacts"\nquery', '"organizations"\nidentity = "leadId"\nquery'),
            "sync.toml: [[sources]] 'contacts': identity must be \"externalId\": organizations have no leadId",
        ),
        (
            SOURCE + 'watch = [{ table = "t" }]',
            "sync.toml: [[sources]] 'contacts', watch no. 1: "
            "needs either `key` (a column of the changed row) or `keys` (a SELECT), and not both",
        ),
        (
            SOURCE + 'watch = [{ table = "t", key = "id" }, { table = "t", key = "id", keys = "SELECT 1" }]',
            "sync.toml: [[sources]] 'contacts', watch no. 2: "
            "needs either `key` (a column of the changed row) or `keys` (a SELECT), and not both",
        ),
        (
            SOURCE + 'watch = [{ key = "id" }]',
            "sync.toml: [[sources]] 'contacts', watch no. 1: table is missing: it must be a string that is not blank",
        ),
        (
            SOURCE + 'watch = [{ table = "t", key = "id", columns = "name" }]',
            "sync.toml: [[sources]] 'contacts', watch no. 1: columns must be a list of names of columns "
            "(leave it out to watch all of them), not 'name'",
        ),
        (
            SOURCE + 'watch = [{ table = "t", key = "id", columns = ["name", " "] }]',
            "sync.toml: [[sources]] 'contacts', watch no. 1: columns must be a list of names of columns "
            "(leave it out to watch all of them), not ' '",
        ),
        (
            SOURCE + 'watch = [{ table = "t", keys = "DELETE FROM t" }]',
            "sync.toml: [[sources]] 'contacts', watch no. 1: keys: "
            "it starts with 'DELETE': write a SELECT (or WITH, VALUES, TABLE)",
        ),
        (
            SOURCE + 'watch = [{ table = "t", key = "id", where = "a = 1;" }]',
            "sync.toml: [[sources]] 'contacts', watch no. 1: where: a condition can't have a semicolon: remove it",
        ),
        (
            SOURCE + "watch = [5]",
            "sync.toml: [[sources]] 'contacts', watch no. 1: must be a table, not 5",
        ),
        (
            SOURCE + SOURCE,
            "sync.toml: [[sources]] 'contacts': another source has this name: give each a name of its own",
        ),
        (
            SOURCE.replace("[[sources]]", "[sources]"),
            "sync.toml: sources must be written as one or more [[sources]] tables, not a table",
        ),
        (
            'origin = "My CRM"',
            "sync.toml: sources is missing: it must be written as one or more [[sources]] tables",
        ),
        (
            'default_region = "Ukraine"\n' + SOURCE,
            "sync.toml: default_region must be the two letters of a country, such as UA, not 'Ukraine'",
        ),
        (
            'phone_check = "strict"\n' + SOURCE,
            'sync.toml: phone_check must be "possible" or "valid", not \'strict\'',
        ),
        ("origin = 5\n" + SOURCE, "sync.toml: origin must be a string, the name of your CRM, not 5"),
        (
            '[[projects]]\nid = "106"\n' + SOURCE,
            "sync.toml: [[projects]] no. 1: id must be the project's number in Ringostat, "
            "a positive whole number, not '106'",
        ),
        (
            '[[projects]]\nid = 106\nrate_limit = "fast"\n' + SOURCE,
            "sync.toml: [[projects]] 106: rate_limit must be requests a period, "
            "such as 5/s, 100/m or 1000/h, not 'fast'",
        ),
        (
            "[[projects]]\nid = 106\nbatch_size = 0\n" + SOURCE,
            "sync.toml: [[projects]] 106: batch_size must be a whole number of contacts from 1 to 10000, not 0",
        ),
        (
            "[[projects]]\nid = 106\n[[projects]]\nid = 106\n" + SOURCE,
            "sync.toml: two [[projects]] have the id 106: keep one of them",
        ),
        (
            TWO_PROJECTS + SOURCE,
            "sync.toml: [[sources]] 'contacts': project is missing: name one of 106, 107, or have the query return \"projectId\"",
        ),
        (
            SOURCE + "project = 5",
            "sync.toml: [[sources]] 'contacts': unknown project 5: name one of 106",
        ),
        ("origin = ", "sync.toml: this is no TOML: Invalid value (at line 1, the end of the file)"),
        (
            "a = 1\nb 2",
            "sync.toml: this is no TOML: Expected '=' after a key in a key/value pair (at line 2, column 3)",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line(folder, toml, message):
    """Each mistake is told in a line that names the file, the entry and the way out."""

    assert message == folder.refusal_of(toml)


@pytest.mark.parametrize("name", ['""', '"  "', '"a\\nb"', '"a\\u0000"', "5"])
def test_a_source_needs_a_printable_name(folder, name):
    """A name is shown in tables and stored as text: it is one line that is not blank."""
    refusal = folder.refusal_of(SOURCE.replace('name = "contacts"', f"name = {name}"))

    assert "name must be a string of one line that is not blank" in refusal


@pytest.mark.parametrize("number", ["0", "-1", "9223372036854775808", "true", "1.0"])
def test_a_project_id_is_a_positive_bigint(folder, number):
    """Ids that PostgreSQL's bigint or the API's int cannot be are refused."""

    assert "id must be the project's number" in folder.refusal_of(f"[[projects]]\nid = {number}\n" + SOURCE)


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("", "there is no SQL in it"),
        ("-- later\n", "there is no SQL in it"),
        ("SELECT 1; SELECT 2", "it has 2 statements"),
        ("DROP TABLE crm.contacts", "it starts with 'DROP'"),
        ("SELECT 'a", "the ' on line 1 is never closed"),
    ],
)
def test_a_query_that_is_no_select_is_refused_with_its_file(folder, sql, problem):
    """What is wrong with a SQL file is told with its name and its source's."""
    folder.write("contacts.sql", sql)

    assert folder.refusal_of(SOURCE).startswith(f"sync.toml: [[sources]] 'contacts': query 'contacts.sql': {problem}")


def test_a_missing_query_is_told_with_its_path(folder):
    """A SQL file that is not there is named as it was looked for."""

    assert (
        folder.refusal_of(SOURCE.replace("contacts.sql", "gone.sql"))
        == "sync.toml: [[sources]] 'contacts': query: gone.sql cannot be read (No such file or directory): "
        "put the SELECT into that file in UTF-8, or name another"
    )


def test_a_query_is_utf8(folder):
    """A file in another encoding is refused rather than guessed at."""
    (folder.path / "contacts.sql").write_bytes("SELECT 'імʼя'".encode("utf-16"))

    assert "contacts.sql is not UTF-8 text: put the SELECT into that file in UTF-8" in folder.refusal_of(SOURCE)


def test_a_mapping_is_utf8(folder):
    """sync.toml in another encoding is refused in one line."""
    (folder.path / "sync.toml").write_bytes('origin = "СРМ"'.encode("cp1251"))

    with pytest.raises(ConfigError, match=r"^SYNC_CONFIG: .*sync\.toml is not UTF-8 text: "):
        load_mapping(load_settings({"SYNC_CONFIG": str(folder.path / "sync.toml")}), need_keys=False)


def test_a_missing_mapping_names_its_variable(tmp_path):
    """Without a sync.toml the error names SYNC_CONFIG and what to do."""
    settings = load_settings({"SYNC_CONFIG": str(tmp_path / "gone.toml")})

    with pytest.raises(ConfigError, match=r"^SYNC_CONFIG: there is no .*gone\.toml.* set SYNC_CONFIG to its path$"):
        load_mapping(settings, need_keys=False)


def test_a_mapping_that_may_not_be_looked_at_is_not_missing(tmp_path):
    """The system's own reason is told; here a name too long, as a folder's permissions don't stop everybody."""
    settings = load_settings({"SYNC_CONFIG": str(tmp_path / ("x" * 300))})

    with pytest.raises(ConfigError, match=r"^SYNC_CONFIG: .* cannot be read \(File name too long\)"):
        load_mapping(settings, need_keys=False)


def test_no_project_anywhere_names_the_variable(folder):
    """With a project neither in the environment nor in the file, the variable is named."""

    assert folder.refusal_of(SOURCE, project="").startswith("RINGOSTAT_PROJECT_ID is not set: ")


def test_the_environments_project_must_be_listed(folder):
    """Environment and file disagreeing about the project is an error."""

    assert (
        folder.refusal_of(TWO_PROJECTS + SOURCE, project="5")
        == "RINGOSTAT_PROJECT_ID is not among the [[projects]] of sync.toml (106, 107): "
        "unset it, or add the project"
    )
