"""From pictures to events: what changed, and when an event begins and ends."""
