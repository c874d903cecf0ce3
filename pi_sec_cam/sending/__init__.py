"""What leaves this machine, composed from its configuration."""

from pi_sec_cam.sending.left_behind import warn_where_nothing_is_sent, withdraw_left_behind
from pi_sec_cam.sending.sending import Sending
from pi_sec_cam.sending.stores import IDENTITY, sends, stores_of

__all__ = ["IDENTITY", "Sending", "sends", "stores_of", "warn_where_nothing_is_sent", "withdraw_left_behind"]
