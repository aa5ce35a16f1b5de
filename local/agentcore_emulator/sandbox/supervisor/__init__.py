"""The process that stands between the emulator and a session's programs, one per session.

It starts programs when told to over a socket, and ends all of them when the socket closes,
whoever closed it: the session's end, the emulator's exit, the emulator's death. It runs in the
emulator's interpreter with the standard library alone (`-I -S`), so that it starts fast and
stays small, and imports nothing from the rest of the emulator.

    guard        the emulator's child: outlives everything below, then removes the directory
      session    reads the socket, counts processes and bytes (process 1 of its namespace)
        program  one for each program: ends what the program leaves behind
          ...    the program itself and whatever it starts
"""
