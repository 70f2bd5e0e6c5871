"""What Alembic runs: on the connection that `upgrade` hands over, in one transaction."""

from alembic import context

from models import SCHEMA
from models.tables import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    version_table_schema=SCHEMA,
    include_schemas=True,
    include_name=lambda name, kind, _: name == SCHEMA if kind == "schema" else True,
)
with context.begin_transaction():
    context.run_migrations()
