"""What Alembic runs: the migrations, on the connection that store.migrate handed over, in its transaction."""

from __future__ import annotations

from alembic import context

from store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
