"""Programs that do their worst to stay, to break their sandbox, or to break the machine.

`NAME` and `KEY` are replaced by a name and a number that no other run uses, and `OUTSIDE` by the
path of a file that is not the session's. Fork bombs are bounded: they stop at about a thousand
processes if the sandbox does not stop them before.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent
from typing import TypedDict, Unpack


@dataclass(frozen=True)
class Rude:
    """A program, and the effects that a test may expect of it."""

    code: str
    operation: str = "executeCommand"
    endless: bool = False
    """The session is closed while it runs, once it has made the file `begun`."""

    spares_the_session: bool = True
    """The session can be used afterwards; in namespaces always."""


class Expected(TypedDict, total=False):
    """The fields of `Rude` that say what may be expected of it."""

    endless: bool
    spares_the_session: bool


def command(code: str, **expected: Unpack[Expected]) -> Rude:
    return Rude(dedent(code), **expected)


def python(code: str, **expected: Unpack[Expected]) -> Rude:
    return Rude(dedent(code), operation="executeCode", **expected)


def script(code: str, **expected: Unpack[Expected]) -> Rude:
    """Return a Python program that needs no kernel, and so starts ten times as fast."""
    file = f"cat > rude.py <<'END'\n{dedent(code)}\nEND\n"
    return Rude(f"{file}python -I -S rude.py", **expected)


def task(code: str) -> Rude:
    return Rude(dedent(code), operation="startCommandExecution", endless=True)


ANYWHERE = {
    "a daemon in a session of its own": command("setsid sleep 99 & sleep 0.05"),
    "a daemon, forked twice, without environment, in /": python(
        """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.chdir('/')
                os.closerange(0, 100)
                os.execve('/bin/sleep', ['sleep', '99'], {})
            os._exit(0)
        os.wait()
        """
    ),
    "ignoring every signal": command(
        "trap '' TERM INT HUP QUIT USR1 USR2 ALRM; touch begun; while :; do sleep 99; done",
        endless=True,
    ),
    "ignoring every signal, in the kernel": python(
        """
        import signal, time
        for number in signal.valid_signals() - {9, 19}:
            signal.signal(number, signal.SIG_IGN)
        open('begun', 'w').close()
        while True: time.sleep(99)
        """,
        endless=True,
    ),
    "a task that leaves a daemon": task("(setsid sleep 99 &); touch begun; sleep 99"),
    "closed pipes": command("exec >&- 2>&- <&-; (sleep 99 &); sleep 0.05"),
    "a stopped process": command("(sleep 99 & kill -STOP $!) & sleep 0.05"),
    "a process that is traced": script(
        """
        import ctypes, os, signal
        if os.fork() == 0:
            ctypes.CDLL(None).ptrace(0, 0, 0, 0)
            os.kill(os.getpid(), signal.SIGSTOP)
            os._exit(0)
        """
    ),
    "a process that adopts orphans": script(
        """
        import ctypes, os, time
        if os.fork() == 0:
            ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
            for _ in range(5):
                if os.fork() == 0:
                    os.fork()
                    time.sleep(99)
            time.sleep(99)
        """
    ),
    "a pool of processes": python(
        """
        import multiprocessing, time
        pool = multiprocessing.get_context('fork').Pool(4)
        result = pool.map_async(time.sleep, [99] * 4)
        """
    ),
    "a child of node": Rude(
        "const { spawn } = require('child_process');"
        "spawn('sleep', ['99'], { detached: true, stdio: 'ignore' }).unref()",
        operation="executeCode/nodejs",
    ),
    "a server": python(
        """
        import os, socket
        server = socket.create_server(('127.0.0.1', 0))
        print('port', server.getsockname()[1])
        if os.fork() == 0:
            os.setsid()
            server.accept()
        """
    ),
    "a server without a port": script(
        """
        import os, socket
        server = socket.socket(socket.AF_UNIX)
        server.bind('\\0NAME')
        server.listen()
        if os.fork() == 0:
            os.setsid()
            server.accept()
        """
    ),
    "a program that starts its successor": command(
        """
        cat > successor.py <<'END'
        import os, time
        for _ in range(300):
            if os.fork():
                os._exit(0)
            os.setsid()
        END
        python -I -S successor.py & sleep 0.05
        """
    ),
    "a fork bomb": command(
        "bomb() { [ $1 = 0 ] || { bomb $(($1 - 1)) & bomb $(($1 - 1)) & }; sleep 99; }; bomb 9"
    ),
    "a fork bomb in sessions of their own": script(
        """
        import os, time
        for _ in range(9):
            try:
                if os.fork() == 0: os.setsid()
            except OSError:
                pass
        while True: time.sleep(99)
        """,
        spares_the_session=False,
    ),
    "zombies": script("import os\nfor _ in range(50):\n    if os.fork() == 0: os._exit(0)"),
    "too much memory, in many processes": script(
        """
        import os, time
        for _ in range(20):
            if os.fork() == 0:
                hog = bytearray(b'x') * 60_000_000
                time.sleep(99)
        time.sleep(99)
        """
    ),
    "the kernel's end": python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
    "the end of all its parents": python(
        """
        import os, signal, time
        def parents(pid):
            while True:
                pid = int(open(f'/proc/{pid}/stat').read().rsplit(')', 1)[1].split()[1])
                if pid == 0 or 'supervisor.guard' not in open(f'/proc/{pid}/cmdline').read():
                    return
                yield pid
        if os.fork() == 0:
            os.setsid()
            for pid in list(parents(os.getppid())): os.kill(pid, signal.SIGKILL)
            time.sleep(99)
        time.sleep(99)
        """,
        spares_the_session=False,
    ),
    "the arrest of its parents": command(
        """
        pid=$PPID
        while grep -q supervisor.guard /proc/$pid/cmdline; do
            kill -STOP $pid
            pid=$(cut -d' ' -f4 /proc/$pid/stat)
        done
        touch begun
        sleep 99
        """,
        endless=True,
        spares_the_session=False,
    ),
    "no directory": command("rm -rf ../* ; cd /; rmdir $OLDPWD; true", spares_the_session=False),
    "a directory that leads elsewhere": command(
        "cd ..; mv var old && ln -s / var; true", spares_the_session=False
    ),
    "folders without permissions": command("mkdir -p a/b/c && chmod 000 a/b/c a/b a"),
    "folders too deep": script(
        """
        import os
        before = os.getcwd()
        for _ in range(1500):
            os.mkdir('deep' * 10)
            os.chdir('deep' * 10)
        os.chdir(before)
        """
    ),
    "names that are none": command(
        "touch $'\\n' $'\\xff' -- -rf ' ' '*'; ln -s loop loop; mkfifo p"
    ),
    "files that nobody may remove": command("touch f; chattr +i f; chattr +a .; true"),
}

# Without namespaces, some of these would do harm, and the others would be no different.
IN_NAMESPACES = {
    "threads that do not end": python(
        """
        import threading, time
        def run():
            while True: time.sleep(99)
        for _ in range(20): threading.Thread(target=run).start()
        """
    ),
    "an exit handler that does not end": python(
        "import atexit, time; atexit.register(time.sleep, 99); exit()"
    ),
    "too many threads": script(
        """
        import threading, time
        try:
            for _ in range(2000):
                threading.Thread(target=time.sleep, args=(99,), daemon=True).start()
        except RuntimeError as error:
            print(error)
        """
    ),
    "too much memory": python("hog = [b'x' * 50_000_000 for _ in range(100)]"),
    "too large a file": script(
        """
        with open('large', 'wb') as file:
            while True: file.write(bytes(1_000_000))
        """
    ),
    "too many files open": script("held = [open('/dev/null') for _ in range(10_000)]"),
    "many files": script(
        "import os; os.mkdir('many')\nfor n in range(1000): open(f'many/{n}', 'w').close()"
    ),
    "too much output on the terminal": command("head -c 20000000 /dev/zero"),
    "200 megabytes of output": python(
        "import os\nfor _ in range(200): os.write(1, bytes(1_000_000))"
    ),
    "output that does not end": python(
        "import subprocess; noise = subprocess.Popen(['yes']); open('begun', 'w').close()"
    ),
    "bytes that are no text": command("head -c 100000 /dev/urandom; printf '\\033[2J\\033c'"),
    "the kernel's exit": python("import os; os._exit(0)"),
    "a crash": python("import ctypes; ctypes.string_at(0)"),
    "a kernel that shuts down": python("get_ipython().kernel.do_shutdown(False)"),
    "a kernel without streams": python("import sys; sys.stdout.close(); sys.stderr.close()"),
    "a kernel without descriptors": python("import os; os.closerange(0, 100)"),
    "a kernel without builtins": python(
        "import builtins\nfor name in ('print', 'open', 'repr'): delattr(builtins, name)"
    ),
    "a kernel that never yields": python(
        "open('begun', 'w').close()\nwhile True: pass", endless=True
    ),
    "a kernel that arrests itself": python(
        """
        import os, signal
        open('begun', 'w').close()
        os.kill(os.getpid(), signal.SIGSTOP)
        """,
        endless=True,
    ),
    "a stack without end": script(
        """
        import sys
        sys.setrecursionlimit(10**9)
        def deeper(_): return list(map(deeper, [0]))
        deeper(0)
        """
    ),
    "the end of its parents": python(
        """
        import os, signal
        for pid in (os.getppid(), 1):
            try: os.kill(pid, signal.SIGKILL)
            except OSError as error: print(error)
        """,
    ),
    "the end of everything": command("kill -KILL -1; sleep 99"),
    "no sockets": python("import glob, os\nfor f in glob.glob('/tmp/*/*/1/s-*'): os.unlink(f)"),
    "files that stay": command("touch /tmp/NAME /var/tmp/NAME /dev/shm/NAME"),
    "shared memory that stays": script(
        """
        import ctypes
        libc = ctypes.CDLL(None)
        assert libc.shmget(KEY, 4096, 0o1600) != -1
        assert libc.semget(KEY, 1, 0o1600) != -1
        """,
    ),
    "files of others": command("rm -f OUTSIDE; echo overwritten > OUTSIDE"),
}

# These do what another one does, by another means: `make test` runs that other one alone.
LIKE_OTHERS = {
    "ignoring every signal, in the kernel": "ignoring every signal",
    "a pool of processes": "a daemon, forked twice, without environment, in /",
    "a fork bomb in sessions of their own": "a fork bomb",
    "an exit handler that does not end": "threads that do not end",
    "too much memory": "too much memory, in many processes",
    "200 megabytes of output": "output that does not end",
    "the kernel's exit": "the kernel's end",
    "a crash": "the kernel's end",
    "a kernel that shuts down": "the kernel's end",
    "a kernel without descriptors": "a kernel without streams",
    "a kernel without builtins": "a kernel without streams",
    "a kernel that arrests itself": "a kernel that never yields",
}
