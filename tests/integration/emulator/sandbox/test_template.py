"""A kernel forked from the template looks like one that was executed, and shares nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agentcore_emulator.sandbox import SandboxSettings, sandbox
from agentcore_emulator.sandbox.operations.kernel import PROGRAM
from agentcore_emulator.sandbox.template_client import Template, running_template
from tests.integration.emulator.serving import wait_until
from tests.project import PROJECT

if TYPE_CHECKING:
    from tests.integration.emulator.sandbox.conftest import Sandboxes, StartedSandbox

SURROUNDINGS = """
import json, locale, os, resource, signal, site, sys, threading, time
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
top = os.environ["AGENTCORE_SANDBOX"]
sockets = os.path.dirname(os.path.dirname(sys.argv[-1]))
facts = {
    "arguments": sys.argv,
    "flags": str(sys.flags),
    "path": sys.path,
    "prefixes": [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.executable],
    "site": [site.PREFIXES, site.ENABLE_USER_SITE, site.USER_SITE, site.USER_BASE],
    "options": [sys._xoptions, sys.warnoptions],
    "variables": dict(os.environ),
    "shown variables": sorted(open("/proc/self/environ").read().rstrip("\\0").split("\\0")),
    "executable": os.readlink("/proc/self/exe"),
    "name": open("/proc/self/comm").read(),
    "directory": os.getcwd(),
    "mask": oct(os.umask(0o022)),
    "leads its group": os.getpgid(0) == os.getpid(),
    "descriptors": sorted(int(name) for name in os.listdir("/proc/self/fd")),
    "limits": [resource.getrlimit(number) for number in range(16)],
    "privileges": {name: status[name] for name in status if name.startswith(("Cap", "NoNewPrivs"))},
    "masks": [status[name] for name in ("SigBlk", "SigIgn")],
    "signals": [str(signal.getsignal(number)).split(" at ")[0] for number in range(1, 32)],
    "threads": sorted(thread.name for thread in threading.enumerate()),
    "tasks": len(os.listdir("/proc/self/task")),
    "streams": [
        [stream.encoding, stream.errors, stream.line_buffering, stream.isatty(), stream.seekable()]
        for stream in (sys.stdin, sys.stdout, sys.stderr)
    ],
    "locale": [locale.setlocale(locale.LC_ALL), time.tzname],
    "shell": repr(get_ipython()).split(" at ")[0],
    "seconds": time.process_time() < 60,
}
print(json.dumps(facts).replace(top, "TOP").replace(sockets, "SOCKETS"))
"""

MODULES = "import json, sys; print(json.dumps(sorted(sys.modules)))"

TRACES = """
import sys, types
for module in list(sys.modules.values()):
    for name, value in list(vars(module).items()) if isinstance(module, types.ModuleType) else ():
        if module.__name__ not in ("__main__", "linecache") and "/template-" in repr(value):
            print(module.__name__, name, repr(value)[:200])
"""

RANDOM = """
import json, multiprocessing, random, secrets, tempfile, uuid
import numpy
print(json.dumps([
    random.random(), random.Random().random(), numpy.random.random(), secrets.token_hex(),
    str(uuid.uuid4()), uuid.uuid1().clock_seq, next(tempfile._get_candidate_names()),
    multiprocessing.current_process().authkey.hex(), get_ipython().kernel.session.session,
]))
"""

# The pattern does not match itself.
MEMORY = """
import re
pattern = re.compile(b"of-another-sessio[n]")
found = 0
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", buffering=0) as memory:
    for line in maps:
        region, access = line.split()[:2]
        if access.startswith("rw"):
            start, end = (int(number, 16) for number in region.split("-"))
            memory.seek(start)
            found += len(pattern.findall(memory.read(end - start)))
print(found)
"""


@pytest.fixture
def executed(sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch) -> StartedSandbox:
    """Start a sandbox whose guard and kernel are programs of their own."""
    with monkeypatch.context() as patches:
        patches.setattr(sandbox, "running_template", lambda *_: None)
        return sandboxes.start()


def template(**settings: Any) -> Template:
    running = running_template(SandboxSettings(**settings), PROGRAM)
    assert running
    return running


def printed(sandbox: StartedSandbox, code: str) -> Any:
    result = sandbox.python(code)
    assert result["isError"] is False, result
    return json.loads(result["structuredContent"]["stdout"])


def test_a_forked_kernel_has_imported_what_an_executed_one_has_and_looks_like_it(
    sandboxes: Sandboxes, executed: StartedSandbox
) -> None:
    forked = sandboxes.start()
    difference = set(printed(forked, MODULES)) ^ set(printed(executed, MODULES))
    assert difference == {"gc", "resource"}  # the template uses them; neither is Python code
    assert printed(forked, SURROUNDINGS) == printed(executed, SURROUNDINGS)


def test_no_module_of_a_kernel_knows_the_templates_directory(sandboxes: Sandboxes) -> None:
    assert sandboxes.start().python(TRACES)["structuredContent"]["stdout"] == ""


def test_kernels_share_no_random_number(sandboxes: Sandboxes) -> None:
    first, second = (printed(sandboxes.start(), RANDOM) for _ in range(2))
    assert [a == b for a, b in zip(first, second, strict=True)] == [False] * len(first)


def test_no_kernel_has_the_variables_of_another_in_its_memory(sandboxes: Sandboxes) -> None:
    first = sandboxes.start(environment={"TOKEN": "of-another-session"})
    assert first.python(MEMORY)["structuredContent"]["stdout"] > "0"
    assert sandboxes.start().python(MEMORY)["structuredContent"]["stdout"] == "0"


def test_a_variable_that_python_reads_at_its_start_has_its_effect(sandboxes: Sandboxes) -> None:
    environment = {"PYTHONHASHSEED": "0", "TZ": "Asia/Tokyo"}
    code = "import json, sys, time; print(json.dumps([hash('text'), time.tzname[0]]))"
    seeded = [sys.executable, "-c", "print(hash('text'))"]
    output = subprocess.run(seeded, env=environment, capture_output=True, check=True).stdout
    assert printed(sandboxes.start(environment=environment), code) == [int(output), "JST"]


def test_a_second_kernel_finds_what_was_installed_after_the_first(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start()
    sandbox.python(
        "import os, sysconfig\n"
        "os.makedirs('elsewhere'); open('elsewhere/far.py', 'w').write('x = 7')\n"
        "packages = sysconfig.get_path('purelib')\n"
        "open(f'{packages}/near.py', 'w').write('x = 6')\n"
        "open(f'{packages}/far.pth', 'w').write(os.path.abspath('elsewhere'))"
    )
    sandbox.python("import os; os._exit(0)")
    result = sandbox.python("import far, near; print(far.x * near.x)")
    assert result["structuredContent"]["stdout"] == "42"


def test_sessions_end_with_their_template_and_the_next_gets_another(sandboxes: Sandboxes) -> None:
    earlier = sandboxes.start()
    earlier.python("pass")
    first = template()
    guard = earlier.sandbox.process_ids()[0]
    [_, parent] = Path(f"/proc/{guard}/stat").read_text().rpartition(")")[2].split()[:2]
    os.kill(int(parent), signal.SIGKILL)
    wait_until(lambda: earlier.command("true")["isError"])
    assert sandboxes.start().python("print(1)")["structuredContent"]["stdout"] == "1"
    assert template() is not first
    earlier.close()
    assert not earlier.directory.exists()


def test_a_python_without_ipykernel_runs_commands(sandboxes: Sandboxes) -> None:
    """Its template ends at once, so that the kernel says itself what it lacks."""
    sandbox = sandboxes.start(python=PROJECT / ".venv-lambda" / "bin" / "python")
    assert sandbox.command("echo usable")["isError"] is False
    assert "No module named 'ipykernel'" in sandbox.python("1")["content"][0]["text"]


def test_the_template_leaves_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    started = Template(SandboxSettings(), PROGRAM)
    assert list(tmp_path.iterdir()) == []
    started.close()
    assert not started.alive
