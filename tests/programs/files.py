"""Programs that write and remove files."""

from __future__ import annotations

from .program import Containing, Program, failed, ok, raised

FILES = [
    Program(
        name="a file",
        code="with open('made.txt', 'w') as file:\n    file.write('x')",
        response=ok(),
        observed={"files_changed": {"created": ["made.txt"]}},
    ),
    Program(
        name="a file that changes",
        before="open('old.txt', 'w').write('x')",
        code="with open('old.txt', 'a') as file:\n    file.write('y')",
        response=ok(),
        observed={"files_changed": {"changed": ["old.txt"]}},
    ),
    Program(
        name="a file that is removed",
        before="open('gone.txt', 'w').close()",
        code="import os\nos.remove('gone.txt')",
        response=ok(),
        observed={"files_changed": {"removed": ["gone.txt"]}},
    ),
    Program(
        name="a file that is renamed",
        before="open('from.txt', 'w').close()",
        code="import os\nos.rename('from.txt', 'to.txt')",
        response=ok(),
        observed={"files_changed": {"created": ["to.txt"], "removed": ["from.txt"]}},
    ),
    Program(
        name="files in folders",
        before="import os\nos.makedirs('data/old')\nopen('data/old/a', 'w').close()",
        code="from pathlib import Path\nimport shutil\nPath('data/new').mkdir()\n"
        "for name in 'ba':\n    Path('data/new', name).write_text(name)\nshutil.rmtree('data/old')",
        response=ok(),
        observed={
            "files_changed": {
                "created": ["data/new/a", "data/new/b"],
                "removed": ["data/old/a"],
            }
        },
    ),
    Program(
        name="files before a failure",
        code="open('half.txt', 'w').close()\n1 / 0",
        response=failed("ZeroDivisionError: division by zero"),
        observed={"files_changed": {"created": ["half.txt"]}},
        exception=raised("ZeroDivisionError", "division by zero", 2),
    ),
    Program(
        name="another working directory",
        code="import os\nos.makedirs('away', exist_ok=True)\nos.chdir('away')\n"
        "open('b.txt', 'w').close()\nprint(os.listdir('.'))",
        response=ok("['b.txt']"),
        observed={"files_changed": {"created": ["away/b.txt"]}},
        after="import os\nos.chdir('..')",
    ),
    Program(
        name="files outside of the working directory",
        code="import tempfile\nwith tempfile.NamedTemporaryFile('w') as file:\n"
        "    print(file.write('x'))",
        response=ok("1"),
    ),
    Program(
        name="a working directory that is removed",
        before="import os\nhome = os.getcwd()\n"
        "os.mkdir('gone')\nos.chdir('gone')\nos.rmdir('../gone')",
        code="print('on')",
        response=ok("on"),
        after="os.chdir(home)",
    ),
    Program(
        name="an emptied folder of temporary files",
        before="import os, shutil, tempfile\nfolder = tempfile.gettempdir()\n"
        "for name in os.listdir(folder):\n"
        "    shutil.rmtree(os.path.join(folder, name), ignore_errors=True)",
        code="open('after.txt', 'w').close()",
        response=ok(),
        observed={"files_changed": {"created": ["after.txt"]}},
    ),
    Program(
        name="a table as a file",
        code="import pandas as pd\ndf = pd.DataFrame({'a': [1, 2]})\n"
        "df.to_csv('table.csv', index=False)\ndf.to_excel('table.xlsx')\n"
        "print(pd.read_csv('table.csv')['a'].sum())",
        response=ok("3"),
        observed={"files_changed": {"created": ["table.csv", "table.xlsx"]}},
    ),
    Program(
        name="a name with every kind of character",
        code="open('ü \\'\"\\n.txt', 'w').close()",
        response=ok(),
        observed={"files_changed": {"created": ["ü '\"\n.txt"]}},
    ),
    Program(
        name="a module of the user's",
        code="from pathlib import Path\nPath('mine.py').write_text('VALUE = 7')\n"
        "import mine\nprint(mine.VALUE)",
        response=ok("7"),
        observed={"files_changed": {"created": ["mine.py"]}},
    ),
    Program(
        name="an error in a module of the user's",
        before="from pathlib import Path\n"
        "Path('broken.py').write_text('\\n\\ndef f():\\n    return 1 / 0\\n')",
        code="import broken\n\nbroken.f()",
        response=failed("ZeroDivisionError: division by zero", stderr=Containing("broken.py")),
        exception=raised("ZeroDivisionError", "division by zero", 3),
    ),
]
