"""`clean_query` and `clean_condition`: a user's SQL, fit to stand in a bracket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.config.query import clean_condition, clean_query
from worker.config.sql_tokens import tokens
from worker.errors import ConfigError


def refusal_of(sql: str) -> str:
    with pytest.raises(ConfigError) as caught:
        clean_query(sql)
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [
        ("SELECT 1;", "SELECT 1\n"),
        ("SELECT 1 ; \n", "SELECT 1  \n"),
        ("SELECT 1;;\n;", "SELECT 1\n"),
        ("SELECT 1; -- the end\n", "SELECT 1 -- the end\n"),
        ("SELECT 1; /* the; end */", "SELECT 1 /* the; end */\n"),
        ("SELECT 1; -- one\n-- two;", "SELECT 1 -- one\n-- two;\n"),
        ("SELECT 1;\r\n", "SELECT 1\r\n"),
    ],
)
def test_the_semicolon_at_the_end_goes(written, cleaned):
    """The `;` at the end is dropped, also before blanks and comments, and nothing else."""

    assert cleaned == clean_query(written)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT ';'",
        "SELECT 'it''s; here'",
        "SELECT 'a line\n; another'",
        'SELECT 1 AS "a;b"',
        'SELECT 1 AS "a"";b"',
        "SELECT $$a;b$$",
        "SELECT $t$a;$$b;$t$",
        "SELECT $тег$a;b$тег$",
        "SELECT $a$x$a;$a$",
        "SELECT 1 -- a; b\n+ 1",
        "SELECT 1 /* a; b */ + 1",
        "SELECT 1 /* a /* b; */ c; */ + 1",
        "SELECT 1 /*+ a; */",
        r"SELECT E'it\'s; here'",
        r"SELECT e'it''s\\'",
        "SELECT E'a'\n'b\\'; c'",
        "SELECT E'a' -- between\n'b\\'; c'",
        "SELECT U&'d\\0061t;'",
        "SELECT 'ends in a backslash\\', 1",
        "SELECT 1 -- it's",
        "SELECT a -- $$ ;\nFROM b",
        "SELECT a['x;y']",
    ],
)
def test_a_semicolon_inside_a_token_stays(sql):
    """A `;` in a string, a dollar quote, a quoted name or a comment ends no statement."""

    assert sql + "\n" == clean_query(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; SELECT 2",
        "SELECT 'ends in a backslash\\'; SELECT 2",
        r"SELECT E'\\'; SELECT 2",
        "SELECT 2 # 3; SELECT 2",
        "SELECT x$$a; SELECT y$$b",
        "SELECT /* /* */ */ 1; SELECT 2",
        "SELECT 1 --\r; SELECT 2",
        "SELECT 1; DROP TABLE crm.contacts;",
    ],
)
def test_two_statements_are_refused(sql):
    """A second statement is found wherever PostgreSQL would find it."""

    assert refusal_of(sql) == "it has 2 statements: keep one SELECT"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "select 1",
        "-- a remark\nSELECT 1",
        "/* a remark */ WITH a AS (SELECT 1) SELECT * FROM a",
        "VALUES (1), (2)",
        "TABLE crm.contacts",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "; SELECT 1",
    ],
)
def test_what_may_stand_in_a_from_clause_passes(sql):
    """A SELECT, WITH, VALUES or TABLE passes, behind remarks and brackets too."""

    assert clean_query(sql).endswith("\n")


@pytest.mark.parametrize("sql", ["DELETE FROM crm.contacts", "'SELECT'", "SELECTED", "\\i contacts.sql", "()"])
def test_other_statements_are_refused(sql):
    """Anything but a SELECT is refused, with its first word."""

    assert refusal_of(sql).startswith("it starts with ")


@pytest.mark.parametrize("sql", ["", " \n", ";", "-- only a remark", "/* only ; a remark */"])
def test_no_statement_is_refused(sql):
    """A file without SQL is refused."""

    assert refusal_of(sql) == "there is no SQL in it: write a SELECT"


@pytest.mark.parametrize(
    ("sql", "opener"),
    [
        ("SELECT\n'a;", "'"),
        ('SELECT\n"a;', '"'),
        ("SELECT\n$$a;", "$$"),
        ("SELECT\n$t$a; $$ $T$", "$t$"),
        ("SELECT\n/* a /* b */", "/*"),
        ("SELECT\nE'a\\'", "E'"),
        ("SELECT\nE'a'\n'b\\'", "E'"),
    ],
)
def test_what_is_never_closed_is_refused(sql, opener):
    """An open string, quoted name, dollar quote or comment is named with its line."""

    assert refusal_of(sql) == f"the {opener} on line 2 is never closed: close it"


@pytest.mark.parametrize("sql", ["SELECT 1) q, (SELECT 2", "SELECT (1", "SELECT 1)"])
def test_unmatched_brackets_are_refused(sql):
    """A query cannot step out of the bracket that we put around it."""

    assert "bracket" in refusal_of(sql)


def test_brackets_in_strings_count_for_nothing():
    """Only brackets of the statement itself have to match."""

    assert clean_query("SELECT ')' -- (") == "SELECT ')' -- (\n"


@pytest.mark.parametrize("sql", ["SELECT $1", "SELECT 1 WHERE 2 = $2 -- two"])
def test_parameters_are_refused(sql):
    """A parameter of the user's would share its number with ours."""

    assert refusal_of(sql).startswith("it has the parameter $")


@pytest.mark.parametrize("sql", ["SELECT '$1'", "SELECT a$1", "SELECT $$ $1 $$"])
def test_a_dollar_inside_a_token_is_no_parameter(sql):
    """Strings and names may hold `$1`."""

    assert sql + "\n" == clean_query(sql)


def test_nul_is_refused():
    """PostgreSQL would stop reading at a NUL, which a UTF-16 file is full of."""

    assert "UTF-8" in refusal_of("SELECT 1\0; DROP TABLE x")


def test_a_very_long_query_is_read():
    """There is no limit on length or number of tokens."""
    columns = ", ".join(f"'a;''{number}' AS c{number}" for number in range(20_000))

    assert clean_query(f"SELECT {columns};") == f"SELECT {columns}\n"


def test_deeply_nested_brackets_are_read():
    """There is no limit on depth."""
    deep = "(" * 5_000 + "1" + ")" * 5_000

    assert clean_query(f"SELECT {deep};") == f"SELECT {deep}\n"


@given(st.text(alphabet="SELECT ab1;'\"$\\-/*\n\r()E", max_size=60))
def test_tokens_leave_nothing_out(sql):
    """The tokens of any SQL, joined, are the SQL."""
    try:
        read = [token.text for token in tokens(sql)]
    except ConfigError:
        return

    assert sql == "".join(read)


@given(st.text(alphabet="ab1;'\"$\\-/*\n\r E", max_size=40))
def test_cleaning_twice_is_cleaning_once(tail):
    """A cleaned query comes back as it is."""
    try:
        cleaned = clean_query("SELECT 1 " + tail)
    except ConfigError:
        return

    assert cleaned == clean_query(cleaned)


def test_a_condition_is_closed_by_a_newline():
    """A remark at a condition's end cannot swallow our bracket."""

    assert clean_condition("changed.kind = ';' -- why") == "changed.kind = ';' -- why\n"


@pytest.mark.parametrize("sql", ["", "-- nothing", "a = 1; b", "a = 1;", "a = 'x", "a = 1) OR (b", "a = $1"])
def test_a_condition_that_is_none_is_refused(sql):
    """A condition is one expression: nothing blank, ended, open or with a parameter."""

    with pytest.raises(ConfigError):
        clean_condition(sql)
