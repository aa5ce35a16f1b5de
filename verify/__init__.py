"""`make verify`: settle, in an account, the questions that AWS's documents leave open.

    python -m verify --stack CodeInterpreter [--only hook-output,home] [--list] [--yes] [--clean]

The table in `verify/table.py` names every experiment. An experiment compares the account with the
emulator of the local AWS, whose settings hold the readings that this project assumes.
"""
