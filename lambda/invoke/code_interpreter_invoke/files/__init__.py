"""The workspace, and the transfer of files between it and a sandbox."""
