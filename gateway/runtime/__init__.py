"""The loop, the processes, the transports and the listeners."""
