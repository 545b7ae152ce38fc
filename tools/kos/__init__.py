"""What ./kos does, in the Python standard library only. Started by ./kos as `python3 -m kos COMMAND ...`."""
