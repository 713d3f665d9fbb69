"""What two front ends need: logon, delivery, watching for changes."""
