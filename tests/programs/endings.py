"""Programs that end themselves or their kernel, and programs with processes and threads."""

from __future__ import annotations

from .program import Containing, Matching, Program, Response, failed, ok, raised

LOST = {"variables_lost": True}


def ended(status: int, stdout: str = "") -> Response:
    """Return the response of a program whose process ended."""
    return failed("The Python process ended.", stdout, exit_code=status)


ENDINGS = [
    Program(name="sys.exit", code="import sys\nprint(1)\nsys.exit()\nprint(2)", response=ok("1")),
    Program(name="sys.exit 0", code="import sys\nsys.exit(0)", response=ok()),
    Program(
        name="sys.exit 3",
        code="import sys\nprint('bad input', file=sys.stderr)\nsys.exit(3)",
        response=failed("bad input", exit_code=3, stderr="bad input\n"),
    ),
    Program(
        name="sys.exit with a text",
        code="import sys\nsys.exit('no such file: a.csv')",
        response=failed("no such file: a.csv", stderr="no such file: a.csv"),
    ),
    Program(
        name="sys.exit with a text that is a number",
        code="import sys\nsys.exit('0')",
        response=ok(),
        observed=failed("0", stderr="0"),
    ),
    Program(
        name="sys.exit with a truth value",
        code="import sys\nsys.exit(True)",
        response=failed("", stderr=""),
    ),
    Program(
        name="sys.exit with a list",
        code="import sys\nsys.exit(['a', 'b'])",
        response=failed("['a', 'b']"),
    ),
    Program(
        name="sys.exit in a function of main",
        code="import sys\n\ndef main():\n    print('main')\n    return 2\n\n"
        "if __name__ == '__main__':\n    sys.exit(main())",
        response=failed("", "main", stderr="", exit_code=2),
    ),
    Program(name="exit", code="print('bye')\nexit()", response=ok("bye")),
    # IPython's own `exit` ends the kernel after the program, whatever its argument.
    Program(
        name="exit 1",
        code="print('bye')\nexit(1)\nprint('not printed')",
        response=failed("", "bye", stderr="", exit_code=1),
    ),
    Program(name="quit", code="quit()", response=ok()),
    Program(
        name="arguments",
        code="import argparse\nparser = argparse.ArgumentParser()\n"
        "parser.add_argument('--n', type=int, default=2)\n"
        "print(parser.parse_args().n)",
        # The kernel's own arguments are gone, once the observer was tried.
        response=ok("2"),
    ),
    Program(
        name="unit tests",
        code="import unittest\n\nclass Test(unittest.TestCase):\n    def test_sum(self):\n"
        "        self.assertEqual(1 + 1, 2)\n\nunittest.main(argv=[''], exit=False)",
        response=ok(
            Matching(r"<unittest\.main\.TestProgram .*>"),
            Matching(r"\.\n-+\nRan 1 test in .*s\n\nOK"),
        ),
        observed={
            "last_expression": 0,
            "results": [{"text/plain": Matching(r"<unittest\.main\.TestProgram .*>")}],
        },
        after="del Test",
    ),
    Program(
        name="failing unit tests",
        code="import unittest\n\nclass Test(unittest.TestCase):\n    def test_sum(self):\n"
        "        self.assertEqual(1 + 1, 3)\n\nunittest.main(argv=[''])",
        response=failed(
            "AssertionError: 2 != 3",
            stderr=Containing("FAIL: test_sum", "AssertionError: 2 != 3", "FAILED (failures=1)"),
        ),
        after="del Test",
    ),
    Program(
        name="unit tests as a script has them",
        code="import unittest\n\nclass Test(unittest.TestCase):\n    def test_sum(self):\n"
        "        self.assertEqual(1 + 1, 2)\n\nif __name__ == '__main__':\n    unittest.main()",
        response=ok(stderr=Matching(r"\.\n-+\nRan 1 test in .*s\n\nOK\n")),
        after="del Test",
    ),
    Program(
        name="a signal that ends the kernel",
        code="import os, signal\nprint('before')\nos.kill(os.getpid(), signal.SIGTERM)\n"
        "import time\ntime.sleep(5)",
        response=ended(143, "before"),
        observed=LOST,
    ),
    Program(
        name="a killed kernel",
        code="import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        response=ended(137),
        observed=LOST,
    ),
    Program(
        name="os._exit",
        code="import os\nprint('before', flush=True)\nos._exit(3)",
        response=ended(3, "before"),
        observed=LOST,
    ),
    Program(
        name="a crash",
        code="import ctypes\nctypes.string_at(0)",
        response=ended(139),
        observed=LOST,
    ),
    Program(
        name="an interrupt by a signal",
        code="import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(5)",
        response=failed("KeyboardInterrupt", stderr=Containing("KeyboardInterrupt")),
        exception=raised("KeyboardInterrupt", "", 2),
    ),
    Program(
        name="an alarm",
        code="import signal, time\n\ndef stop(*_):\n    raise TimeoutError('too slow')\n\n"
        "signal.signal(signal.SIGALRM, stop)\nsignal.setitimer(signal.ITIMER_REAL, 0.05)\n"
        "time.sleep(5)",
        response=failed("TimeoutError: too slow"),
        exception=raised("TimeoutError", "too slow", 4),
    ),
    Program(
        name="a reset of the variables",
        code="x = 1\n%reset -f\nprint('x' in globals())",
        response=ok("False"),
        observed=LOST,
    ),
    Program(
        name="a closed stdout",
        code="import sys\nprint('seen')\nsys.stdout.close()",
        response=ok("seen"),
    ),
]

PROCESSES = [
    Program(
        name="a subprocess",
        code="import subprocess\nprint('first', flush=True)\n"
        "subprocess.run(['sh', '-c', 'echo out; echo err >&2'])\nprint('last')",
        response=ok("first\nout\nlast", "err"),
    ),
    Program(
        name="the output of a subprocess as a text",
        code="import subprocess\n"
        "print(subprocess.run(['echo', 'hi'], capture_output=True, text=True).stdout)",
        response=ok("hi"),
        observed=ok("hi\n"),
    ),
    Program(
        name="os.system",
        code="import os\nprint(os.system('echo hi; exit 2') >> 8)",
        response=ok("hi\n2"),
    ),
    Program(
        name="a pool of processes",
        code="from multiprocessing import get_context\n\ndef square(n):\n    return n * n\n\n"
        "with get_context('fork').Pool(2) as pool:\n    print(pool.map(square, range(5)))",
        response=ok("[0, 1, 4, 9, 16]"),
    ),
    Program(
        name="a process that prints",
        code="from multiprocessing import get_context\n\ndef work():\n    print('child')\n\n"
        "process = get_context('fork').Process(target=work)\nprocess.start()\nprocess.join()\n"
        "print('parent', process.exitcode)",
        response=ok("child\nparent 0"),
    ),
    Program(
        name="a process that prints more than the observer passes on",
        code="from multiprocessing import get_context\n\n"
        "def work():\n    print('x' * 3_000_000)\n\n"
        "process = get_context('fork').Process(target=work)\nprocess.start()\nprocess.join()",
        response=ok(Matching("x{3000000}")),
    ),
    Program(
        name="a child that leaves by sys.exit",
        code="import os, sys\npid = os.fork()\nif pid == 0:\n    print('child', flush=True)\n"
        "    os._exit(4)\nprint(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))",
        response=ok("child\n4"),
    ),
    Program(
        name="threads",
        code="from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor() as pool:\n    print(sum(pool.map(abs, range(-3, 0))))",
        response=ok("6"),
    ),
    Program(
        name="a thread that prints after the program's end",
        code="import threading, time\n\ndef work():\n    time.sleep(0.2)\n    print('late')\n\n"
        "thread = threading.Thread(target=work)\nthread.start()\nprint('end')",
        response=ok("end"),
        after="thread.join()",
    ),
    Program(
        name="an exception in a thread",
        code="import threading\n\ndef work():\n    raise ValueError('in a thread')\n\n"
        "thread = threading.Thread(target=work)\nthread.start()\nthread.join()\nprint('end')",
        response=ok("end", Containing("Exception in thread", "ValueError: in a thread")),
    ),
]
