"""The nine operations of a session: code, commands, tasks and files."""
