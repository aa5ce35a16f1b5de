"""A Jupyter kernel whose cells run in the sandbox of a session. It needs the extra `jupyter`."""
