"""Programs with IPython's magics, and programs that ask about their surroundings."""

from __future__ import annotations

from .program import Containing, Matching, Program, failed, ok, raised

MAGICS = [
    Program(name="a command", code="!echo hi", response=ok("hi")),
    Program(name="a command that fails", code="!exit 3", response=ok()),
    Program(
        name="the lines of a command",
        code="lines = !printf 'a\\nb\\n'\nprint(list(lines))",
        response=ok("['a', 'b']"),
    ),
    Program(name="a Bash cell", code="%%bash\necho out\necho err >&2\n", response=ok("out", "err")),
    Program(
        name="a Bash cell with blank lines around it",
        code="\n\n%%bash\nfor i in 1 2; do\n\techo $i\ndone\n\n",
        response=ok("1\n2"),
    ),
    Program(
        name="a Bash cell that fails",
        code="%%bash\necho out\nexit 3",
        response=failed(
            Matching("CalledProcessError: Command .* returned non-zero exit status 3."), "out"
        ),
        exception=raised(
            "CalledProcessError", Matching("Command .* returned non-zero exit status 3."), 1
        ),
    ),
    Program(
        name="a file that a cell writes",
        code="%%writefile magic.txt\nfirst\nlast   \n",
        response=ok("Writing magic.txt"),
        observed={"files_changed": {"created": ["magic.txt"]}},
    ),
    Program(
        name="the file that a cell has written",
        before="%%writefile exact.txt\nfirst\nlast   ",
        code="print(repr(open('exact.txt').read()))",
        response=ok("'first\\nlast   \\n'"),
    ),
    Program(
        name="the time of a cell",
        code="%%time\nprint('work')\n6 * 7",
        response=ok(Matching(r"work\nCPU times: .*\nWall time: .*\n42")),
        observed={"last_expression": 0, "results": [{"text/plain": "42"}]},
    ),
    Program(name="a cell that is captured", code="%%capture kept\nprint('x')", response=ok()),
    Program(
        name="the captured output",
        before="%%capture kept\nprint('x')",
        code="print(kept.stdout)",
        response=ok("x"),
        observed=ok("x\n"),
    ),
    Program(
        name="the time of a line",
        code="%timeit -n 1 -r 1 1 + 1",
        response=ok(Matching(r".* per loop \(mean .*")),
    ),
    Program(
        name="a setting of matplotlib", code="%matplotlib inline\nprint('on')", response=ok("on")
    ),
    Program(
        name="%cd",
        code="%mkdir -p folder\n%cd folder\n%cd -q ..",
        response=ok(Containing("folder")),
    ),
    Program(
        name="%env",
        code="%env NAME_OF_A_TEST=value\nimport os\nprint(os.environ.pop('NAME_OF_A_TEST'))",
        response=ok("env: NAME_OF_A_TEST=value\nvalue"),
    ),
    Program(name="pip", code="%pip list", response=ok(Containing("numpy"), Matching(".*"))),
    Program(
        name="a magic that is none",
        code="%no_such_magic",
        response=failed("UsageError: Line magic function `%no_such_magic` not found."),
        exception=raised("UsageError", "Line magic function `%no_such_magic` not found."),
    ),
    Program(
        name="a cell magic that is none",
        code="%%no_such_magic\nx",
        response=failed("UsageError: Cell magic `%%no_such_magic` not found."),
        exception=raised("UsageError", "Cell magic `%%no_such_magic` not found."),
    ),
    Program(
        name="help",
        code="len?",
        response=ok(),
        observed={
            "results": [{"text/plain": Containing("Return the number of items in a container.")}]
        },
    ),
    Program(
        name="help by a function",
        code="help(len)",
        response=ok(Containing("Return the number of items in a container.")),
    ),
    Program(name="the name of the module", code="print(__name__)", response=ok("__main__")),
    Program(
        name="a future import",
        code="from __future__ import annotations\n\ndef f(x: Missing) -> None: ...\n\n"
        "print(f.__annotations__['x'])",
        response=ok("Missing"),
    ),
    Program(
        name="the source of a function",
        code="import inspect\n\ndef f():\n    return 1\n\nprint(inspect.getsource(f))",
        response=ok("def f():\n    return 1"),
        observed=ok("def f():\n    return 1\n"),
    ),
    Program(
        name="dataclasses and pickling",
        code="import pickle\nfrom dataclasses import dataclass\n\n@dataclass\nclass Point:\n"
        "    x: int\n\nprint(pickle.loads(pickle.dumps(Point(1))))",
        response=ok("Point(x=1)"),
    ),
    Program(
        name="variables of an earlier program",
        before="def divide(x):\n    return 1 / x\n",
        code="print('now')\ndivide(0)",
        response=failed("ZeroDivisionError: division by zero", "now"),
        exception=raised("ZeroDivisionError", "division by zero", 2),
    ),
    Program(
        name="the last value of an earlier program",
        before="6 * 7",
        code="print(_ + 1)",
        response=ok("43"),
    ),
]
