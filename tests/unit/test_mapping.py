"""`load_mapping`: sync.toml and its SQL files, held against the environment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.mapping_folder import SOURCE, SQL, TWO_PROJECTS, Folder
from worker.config.model import Defaults, Identity, Mapping, Method, Project, Rate, Source, Watch
from worker.config.toml_schema import ProjectTable, SourceTable, SyncToml, WatchTable

MANUAL = Path(__file__).parents[2] / "docs" / "settings.md"

EXAMPLE = """
origin = "My CRM"              # defaults for what a query leaves out, or has null or blank
default_region = "UA"          # for numbers written without a country code
default_responsible = "1"      # optional
phone_check = "possible"       # or "valid"

[[projects]]                   # optional: without any, the one project of the environment
id = 106
auth_key_env = "RINGOSTAT_AUTH_KEY_106"     # or auth_key_file
rate_limit = "5/s"
batch_size = 100

[[sources]]
name = "contacts"
method = "contacts"            # or "organizations"
identity = "externalId"        # or "leadId": which id the key is
project = 106                  # optional where there is one project
query = "contacts.sql"         # beside this file
watch = [
  { table = "crm.contacts", key = "id", columns = ["name", "owner", "hidden", "company_id"] },
  { table = "crm.phones", key = "contact_id", where = "changed.kind IS DISTINCT FROM 'fax'" },
  { table = 'crm."Company"', keys = "SELECT c.id FROM crm.contacts c WHERE c.company_id = changed.id" },
]
"""


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_the_example_of_the_design_loads(folder):
    """The documented example comes to exactly these values."""
    mapping = folder.load(EXAMPLE, need_keys=True, RINGOSTAT_AUTH_KEY_106="k")

    assert mapping == Mapping(
        defaults=Defaults(origin="My CRM", region="UA", responsible="1", phone_check="possible"),
        projects={106: Project(id=106, rate=Rate(5, 1.0), batch_size=100, auth_key="k")},
        sources={
            "contacts": Source(
                name="contacts",
                method=Method.CONTACTS,
                identity=Identity.EXTERNAL_ID,
                project=106,
                query=SQL,
                watches=(
                    Watch("crm.contacts", key="id", columns=("name", "owner", "hidden", "company_id")),
                    Watch("crm.phones", key="contact_id", where="changed.kind IS DISTINCT FROM 'fax'"),
                    Watch(
                        'crm."Company"',
                        keys="SELECT c.id FROM crm.contacts c WHERE c.company_id = changed.id",
                    ),
                ),
            )
        },
    )


def test_the_least_that_can_be_written_loads(folder):
    """One source with a name, a method and a query is a mapping; the environment has the project."""
    mapping = folder.load(SOURCE, RINGOSTAT_RATE_LIMIT="9/m", RINGOSTAT_BATCH_SIZE="3")

    assert mapping == Mapping(
        defaults=Defaults(),
        projects={106: Project(id=106, rate=Rate(9, 60.0), batch_size=3)},
        sources={"contacts": Source("contacts", Method.CONTACTS, Identity.EXTERNAL_ID, project=106, query=SQL)},
    )


def test_a_project_overrides_the_limits_of_the_environment(folder):
    """rate_limit and batch_size of a project come before the environment's."""
    mapping = folder.load(
        '[[projects]]\nid = 106\nrate_limit = "2/h"\nbatch_size = 5\n' + SOURCE,
        RINGOSTAT_RATE_LIMIT="9/m",
        RINGOSTAT_BATCH_SIZE="3",
    )

    assert mapping.projects[106] == Project(id=106, rate=Rate(2, 3600.0), batch_size=5)


@pytest.mark.parametrize("blank", ["", "  ", "\\t"])
def test_a_blank_default_is_none(folder, blank):
    """A blank origin or responsible is as good as none."""
    mapping = folder.load(f'origin = "{blank}"\ndefault_responsible = "{blank}"\n' + SOURCE)

    assert mapping.defaults == Defaults(origin=None, responsible=None)


def test_a_region_may_be_written_small(folder):
    """A region is kept in capitals."""

    assert folder.load('default_region = "pl"\n' + SOURCE).defaults.region == "PL"


def test_a_responsible_may_be_a_number(folder):
    """The API wants a string; a CRM's id is often a number."""

    assert folder.load("default_responsible = 7\n" + SOURCE).defaults.responsible == "7"


def test_a_byte_order_mark_is_no_part_of_the_text(folder):
    """Files saved on Windows begin with a mark, which neither TOML nor SQL knows."""
    folder.write("contacts.sql", "\ufeffSELECT 1 AS key")

    assert folder.load("\ufeff" + SOURCE).sources["contacts"].query == "SELECT 1 AS key"


def test_a_query_may_stand_in_a_folder_below(folder):
    """A query's path is relative to the file, not to where the command was started."""
    (folder.path / "sql").mkdir()
    folder.write("sql/leads.sql", "SELECT 2 AS key")
    mapping = folder.load(SOURCE.replace("contacts.sql", "sql/leads.sql"))

    assert mapping.sources["contacts"].query == "SELECT 2 AS key"


def test_sources_find_their_projects(folder):
    """With several projects each source goes to the one it names."""
    mapping = folder.load(
        TWO_PROJECTS
        + SOURCE
        + "project = 107\n"
        + SOURCE.replace('name = "contacts"', 'name = "companies"').replace(
            'method = "contacts"', 'method = "organizations"'
        )
        + "project = 106\n"
    )

    assert {name: (source.project, source.method) for name, source in mapping.sources.items()} == {
        "contacts": (107, Method.CONTACTS),
        "companies": (106, Method.ORGANIZATIONS),
    }


@pytest.mark.parametrize(
    "query",
    [
        'SELECT 1 AS key, 107 AS "projectId"',
        "SELECT * FROM crm.all_contacts",
        "SELECT 1 AS key, c.* FROM crm.contacts c",
    ],
)
def test_a_query_may_name_the_project_of_each_row(folder, query):
    """A source of several projects that names none is routed; what belongs to none is the first one's, or the environment's."""
    folder.write("contacts.sql", query)
    first = folder.load(TWO_PROJECTS + SOURCE, project="")
    own = folder.load(TWO_PROJECTS + SOURCE, project="107")

    assert [(mapping.sources["contacts"].routed, mapping.sources["contacts"].project) for mapping in (first, own)] == [
        (True, 106),
        (True, 107),
    ]
    assert (first.defaults.project, own.defaults.project) == (None, 107)
    assert first.lanes() == {(106, Method.CONTACTS), (107, Method.CONTACTS)}


@pytest.mark.parametrize(
    "query", ["SELECT 1 * 2 AS key", "SELECT count(*) AS key", 'SELECT 1 AS key, \'"projectId"\' AS x -- "projectId"']
)
def test_a_query_that_names_no_project_needs_one(folder, query):
    """A product, a count, a string and a comment are no columns."""
    folder.write("contacts.sql", query)

    assert "project is missing" in folder.refusal_of(TWO_PROJECTS + SOURCE)


def test_a_source_of_one_project_is_not_routed(folder):
    """Whatever its query returns."""
    folder.write("contacts.sql", 'SELECT 1 AS key, 107 AS "projectId"')
    sources = [folder.load(toml).sources["contacts"] for toml in (SOURCE, TWO_PROJECTS + SOURCE + "project = 106\n")]

    assert [(source.routed, source.project) for source in sources] == [(False, 106), (False, 106)]


def test_a_listed_project_needs_none_in_the_environment(folder):
    """With [[projects]] the environment may be silent."""

    assert list(folder.load(TWO_PROJECTS + SOURCE + "project = 107\n", project="").projects) == [106, 107]


@pytest.mark.parametrize(
    ("heading", "table"),
    [
        ("### The top of the file", SyncToml),
        ("### `[[projects]]`", ProjectTable),
        ("### `[[sources]]`", SourceTable),
        ("### An entry of `watch`", WatchTable),
    ],
)
def test_every_key_stands_in_the_manual(heading, table):
    """docs/settings.md lists the keys of each table, no more and no fewer."""
    section = MANUAL.read_text("utf-8").split(heading + "\n")[1].split("\n#")[0]
    listed = re.findall(r"^\| `(\w+)`", section, re.MULTILINE)

    assert listed == list(table.model_fields)
