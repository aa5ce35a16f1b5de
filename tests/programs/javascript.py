"""Programs in JavaScript and TypeScript, which nobody observes."""

from __future__ import annotations

from .program import Containing, Matching, Program, Response, failed, ok


def in_both(name: str, code: str, response: Response) -> list[Program]:
    """Return a program that both languages run."""
    return [
        Program(name=f"{language}: {name}", code=code, language=language, response=response)
        for language in ("javascript", "typescript")
    ]


JAVASCRIPT = [
    *in_both("output", "console.log('a', 1, {b: [2]});", response=ok("a 1 { b: [ 2 ] }")),
    *in_both("stderr", "console.error('careful');", response=ok(stderr="careful")),
    Program(
        name="javascript: an exception",
        language="javascript",
        code="console.log('before');\nconst x = null;\nx.y;",
        response=failed("TypeError: Cannot read properties of null (reading 'y')", "before"),
    ),
    Program(
        name="javascript: an error of its own",
        language="javascript",
        code="class BadRow extends Error { name = 'BadRow'; }\nthrow new BadRow('row 3');",
        response=failed(Matching(".*BadRow: row 3.*"), stderr=Containing("row 3")),
    ),
    Program(
        name="javascript: a text that is thrown",
        language="javascript",
        code="throw 'bad row';",
        response=failed('"bad row"', stderr='error: Uncaught (in promise) "bad row"'),
    ),
    Program(
        name="javascript: a file, and a timer that fails",
        language="javascript",
        code="import fs from 'node:fs';\nfs.writeFileSync('js.txt', 'x');\n"
        "setTimeout(() => { throw new TypeError('late'); }, 1);",
        response=failed("TypeError: late"),
    ),
    Program(
        name="javascript: a rejected promise",
        language="javascript",
        code="await Promise.reject(new RangeError('too many'));",
        response=failed("RangeError: too many"),
    ),
    Program(
        name="javascript: a syntax error",
        language="javascript",
        code="const = 1;",
        response=failed(Matching(".*"), stderr=Matching(".+")),
    ),
    Program(
        name="javascript: process.exit 0",
        language="javascript",
        code="console.log('x'); process.exit(0);",
        response=ok("x"),
    ),
    Program(
        name="javascript: process.exit 3",
        language="javascript",
        code="console.log('x'); process.exit(3);",
        response=failed("", "x", stderr="", exit_code=3),
    ),
    Program(
        name="javascript: top-level await",
        language="javascript",
        code="const wait = ms => new Promise(done => setTimeout(done, ms));\n"
        "await wait(5);\nconsole.log('done');",
        response=ok("done"),
    ),
    Program(
        name="typescript: types",
        language="typescript",
        code="interface Row { n: number }\nconst rows: Row[] = [{ n: 6 }, { n: 7 }];\n"
        "console.log(rows.reduce((x, row) => x * row.n, 1));",
        response=ok("42"),
    ),
    Program(
        name="typescript: an exception",
        language="typescript",
        code="function fail(text: string): never {\n  throw new Error(text);\n}\nfail('bad');",
        response=failed("Error: bad", stderr=Containing("Error: bad")),
    ),
    Program(
        name="javascript: no state between requests",
        language="javascript",
        code="console.log(typeof globalThis.kept);\nglobalThis.kept = 1;",
        response=ok("undefined"),
    ),
]
