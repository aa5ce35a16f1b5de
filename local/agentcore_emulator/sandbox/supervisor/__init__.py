"""The processes that stand between the emulator and a session's programs.

They start programs when the emulator asks for them over a socket, and end all of them when the
socket closes, whoever closed it: the session's end, the emulator's exit, the emulator's death.
They run in the emulator's interpreter with the standard library alone (`-I -S`), so that they
start fast and stay small, and import nothing from the rest of the emulator.

    guard        the emulator's child: outlives all processes below, then removes the directory
      session    reads the socket, counts processes and bytes (process 1 of its namespace)
        holder   one for each program: ends all that the program leaves behind (`program`)
          ...    the program itself and all that it starts
"""
