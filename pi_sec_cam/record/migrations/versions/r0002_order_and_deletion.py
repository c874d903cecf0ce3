"""An order that no clock disturbs, states that can be told apart, marks for what is being changed or deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns; the order of the events that are there is that of their beginnings."""
    op.add_column("events", sa.Column("sequence", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("events", sa.Column("revision", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("events", sa.Column("announced", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("events", sa.Column("deleting", sa.Boolean, nullable=False, server_default=sa.false()))
    events = sa.table("events", sa.column("sequence"), sa.column("start_us"))
    op.execute(events.update().values(sequence=sa.case((events.c.start_us > 0, events.c.start_us), else_=1)))
    op.create_index("events_by_sequence", "events", ["sequence"])
