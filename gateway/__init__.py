"""Everything that faces a socket, and the command line that starts it."""
