"""The processes that stand between the emulator and a session's programs.

They start programs when the emulator asks for them over a socket, and end all of them when the
socket closes, whoever closed it: the session's end, the emulator's exit, the emulator's death.
They need the standard library alone, and import nothing from the rest of the emulator.

    template       has the kernel's modules in memory, and forks the guards
      guard        outlives all processes below, then removes the directory
        session    reads the socket, counts processes and bytes (process 1 of its namespace)
          holder   one for each program: ends all that the program leaves behind (`program`)
            ...    the program itself and all that it starts; the kernel is a fork, too

Without namespaces there is no template: the guard is the emulator's child, in the emulator's
interpreter (`-I -S`, so that it starts fast), and the kernel is executed as any program.
"""
