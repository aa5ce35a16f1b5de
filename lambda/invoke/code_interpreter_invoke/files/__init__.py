"""Files, between the workspace bucket and a sandbox."""
