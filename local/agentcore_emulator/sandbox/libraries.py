"""The Python libraries of the service's image, and a note about those that a sandbox lacks.

A program that imports such a library fails here alone. The note says so below its error. It is the
emulator's own: the service's output ends with the error.
"""

from __future__ import annotations

import re
from importlib.machinery import PathFinder

from agentcore_emulator.sandbox.environment import describe_python
from agentcore_emulator.sandbox.results import without_colours
from agentcore_emulator.sandbox.settings import SandboxSettings

FULL_ENVIRONMENT = ".venv-libraries"
"""The environment with all LIBRARIES but those LEFT_OUT; `requirements/libraries.in` lists them."""

# The name that a program imports -> the name that pip installs.
LIBRARIES = {
    "PIL": "pillow",
    "bokeh": "bokeh",
    "boto3": "boto3",
    "bs4": "beautifulsoup4",
    "cryptography": "cryptography",
    "cv2": "opencv-python-headless",
    "cvxpy": "cvxpy",
    "docx": "python-docx",
    "duckdb": "duckdb",
    "faker": "faker",
    "fastapi": "fastapi",
    "flask": "flask",
    "imageio": "imageio",
    "jinja2": "jinja2",
    "joblib": "joblib",
    "lxml": "lxml",
    "markitdown": "markitdown",
    "matplotlib": "matplotlib",
    "matplotlib_venn": "matplotlib-venn",
    "mizani": "mizani",
    "moviepy": "moviepy",
    "mpmath": "mpmath",
    "nbformat": "nbformat",
    "networkx": "networkx",
    "numba": "numba",
    "numexpr": "numexpr",
    "numpy": "numpy",
    "openpyxl": "openpyxl",
    "orjson": "orjson",
    "ortools": "ortools",
    "pandas": "pandas",
    "plotly": "plotly",
    "polars": "polars",
    "pptx": "python-pptx",
    "pulp": "pulp",
    "pyarrow": "pyarrow",
    "pydantic": "pydantic",
    "pydub": "pydub",
    "pypdf": "pypdf",
    "qrcode": "qrcode",
    "reportlab": "reportlab",
    "requests": "requests",
    "rich": "rich",
    "scipy": "scipy",
    "seaborn": "seaborn",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "spacy": "spacy",
    "sqlalchemy": "sqlalchemy",
    "statsmodels": "statsmodels",
    "svgwrite": "svgwrite",
    "sympy": "sympy",
    "tabulate": "tabulate",
    "torch": "torch",
    "torchaudio": "torchaudio",
    "torchvision": "torchvision",
    "tqdm": "tqdm",
    "xgboost": "xgboost",
    "yaml": "pyyaml",
    "z3": "z3-solver",
}

# Several hundred MB each.
LEFT_OUT = {"torch", "torchaudio", "torchvision"}

NOT_FOUND = re.compile(r"^ModuleNotFoundError: No module named '(\w+)'\s*$", re.MULTILINE)


def missing_library_note(error: str, settings: SandboxSettings) -> str:
    """Return a note if a program failed because this sandbox lacks a library of the service's.

    :param error: the program's traceback. Its last module that was not found counts.
    :return: The note, or an empty string.
    """
    missing = NOT_FOUND.findall(without_colours(error))
    if not missing or missing[-1] not in LIBRARIES:
        return ""
    name = missing[-1]
    interpreter = describe_python(settings.python)
    if PathFinder.find_spec(name, [str(path) for path in interpreter.packages]):
        return ""  # another interpreter, such as the machine's, has not found it
    if name in LEFT_OUT or interpreter.prefixes[0].name == FULL_ENVIRONMENT:
        remedy = (
            "LIBRARIES=full leaves it out. Install it into an environment of your own, and pass "
            "that: LocalAws(sandbox_python=...)."
        )
    else:
        remedy = (
            'In a checkout, make local LIBRARIES=full, or LocalAws(libraries="full"), installs it; '
            f"elsewhere, install it into {interpreter.prefixes[0]}."
        )
    return (
        f"Note of the local sandbox: the service has {LIBRARIES[name]}, and this sandbox does not. "
        f"{remedy}"
    )
