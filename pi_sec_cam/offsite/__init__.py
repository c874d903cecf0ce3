"""What leaves this machine: cut, sealed, kept until it has left, and sent."""
