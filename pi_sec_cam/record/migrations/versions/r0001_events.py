"""Events, their parts and areas as JSON, their labels in a table of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "events",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("camera", sa.Text, nullable=False),
        sa.Column("start_us", sa.BigInteger, nullable=False),
        sa.Column("end_us", sa.BigInteger, nullable=False),
        sa.Column("duration_us", sa.BigInteger, nullable=False),
        sa.Column("motion_start_us", sa.BigInteger, nullable=False),
        sa.Column("motion_end_us", sa.BigInteger, nullable=False),
        sa.Column("clock_synchronised", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("end_reason", sa.Text),
        sa.Column("trigger_pts_us", sa.BigInteger),
        sa.Column("areas", sa.JSON, nullable=False),
        sa.Column("continues", sa.Text),
        sa.Column("parts", sa.JSON, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("dropped_pictures", sa.BigInteger, nullable=False),
        sa.Column("offsite", sa.Boolean, nullable=False),
        sa.Column("locked", sa.Boolean, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_index("events_by_start", "events", ["start_us", "id"])
    op.create_index("events_by_camera", "events", ["camera", "start_us"])
    op.create_table(
        "event_labels",
        sa.Column("event_id", sa.Text, sa.ForeignKey("events.id"), primary_key=True),
        sa.Column("label", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
    )
    op.create_index("event_labels_by_label", "event_labels", ["label"])
