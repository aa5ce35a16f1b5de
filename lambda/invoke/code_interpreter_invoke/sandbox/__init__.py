"""One sandbox: its operations, their results, and the program that runs inside it."""
