"""The command line, `code-interpreter`.

`app` has the list of commands; each module of commands registers its own.
"""
