"""Programs that display values: tables, figures, images and documents."""

from __future__ import annotations

from .program import PNG, Base64Of, Containing, Matching, Program, ok

PLOT = (
    "import matplotlib.pyplot as plt\nplt.close('all')\nfigure = plt.figure()\nplt.plot([1, 2])\n"
)
AGG = f"import matplotlib\nmatplotlib.use('Agg')\n{PLOT}"
# Jupyter's backend draws interactively, and a backend that takes its place goes on with it.
NEW = "import matplotlib\nmatplotlib.interactive(False)"
INLINE = "import matplotlib.pyplot as plt\nplt.close('all')\n%matplotlib inline"
FIGURE = "<Figure size 640x480 with 1 Axes>"
BUNDLE = {"text/plain": FIGURE, "image/png": PNG}
AGG_BUNDLE = {"text/plain": "Figure(640x480)", "image/png": PNG}
IMAGE = {"mime_type": "image/png", "data": PNG}
SHOWN = {"results": [BUNDLE], "images": [IMAGE]}

DISPLAYS = [
    Program(
        name="a table",
        code="import pandas as pd\npd.DataFrame({'a': [1, 2]})",
        response=ok("a\n0  1\n1  2"),
        observed={
            "stdout": "   a\n0  1\n1  2",
            "last_expression": 0,
            "results": [
                {"text/plain": "   a\n0  1\n1  2", "text/html": Containing("<table", "<td>2</td>")}
            ],
        },
    ),
    Program(
        name="a table that is displayed",
        code="import pandas as pd\ndisplay(pd.DataFrame({'a': [1]}))\nprint('end')",
        response=ok("a\n0  1\nend"),
        observed={
            "stdout": "   a\n0  1\nend",
            "results": [{"text/plain": "   a\n0  1", "text/html": Containing("<td>1</td>")}],
        },
    ),
    Program(
        name="a figure that is shown", code=f"{PLOT}plt.show()", response=ok(FIGURE), observed=SHOWN
    ),
    Program(
        name="a figure that is not shown",
        code=f"{PLOT}print('end')",
        response=ok(f"end\n{FIGURE}"),
        observed={**SHOWN, "stdout": Matching(f"end(\n{FIGURE})?")},
    ),
    Program(
        name="two figures",
        code=f"{PLOT}plt.show()\nplt.figure()\nplt.bar(['a'], [1])\nplt.show()",
        response=ok(f"{FIGURE}\n{FIGURE}"),
        observed={"results": [BUNDLE, BUNDLE], "images": [IMAGE, IMAGE]},
    ),
    Program(
        name="a figure that is shown, and is the last line",
        code=f"{PLOT}plt.show()\nfigure",
        response=ok(f"{FIGURE}\n{FIGURE}"),
        observed=SHOWN,
    ),
    Program(
        name="a figure as the last line",
        code=f"{PLOT}plt.close()\nfigure",
        response=ok(FIGURE),
        observed={**SHOWN, "last_expression": 0},
    ),
    Program(
        name="Agg, and a figure that is shown",
        before=NEW,
        code=f"{AGG}plt.show()\nprint('end')",
        response=ok("end"),
        observed={"results": [AGG_BUNDLE], "images": [IMAGE]},
        after=INLINE,
    ),
    Program(
        name="Agg, and a figure that is saved",
        before=NEW,
        code=f"{AGG}plt.savefig('agg.png')\nprint('saved')",
        response=ok("saved"),
        observed={"files_changed": {"created": ["agg.png"]}},
        after=INLINE,
    ),
    Program(
        name="Agg, and a figure that is saved and shown",
        before=NEW,
        code=f"{AGG}plt.savefig('shown.png')\nplt.show()",
        response=ok(),
        observed={"files_changed": {"created": ["shown.png"]}},
        after=INLINE,
    ),
    Program(
        name="a figure of Jupyter's backend, then Agg and a figure that is saved",
        before=f"%matplotlib inline\n{PLOT}plt.show()",
        code=f"{AGG}plt.savefig('both.png')",
        response=ok(),
        observed={
            "results": [AGG_BUNDLE],
            "images": [IMAGE],
            "files_changed": {"created": ["both.png"]},
        },
        after=INLINE,
    ),
    Program(
        name="an image",
        code="from PIL import Image\nImage.new('RGB', (2, 2), 'red')",
        response=ok(Matching(r"<PIL\.Image\.Image image mode=RGB size=2x2>")),
        observed={
            "last_expression": 0,
            "results": [
                {
                    "text/plain": "<PIL.Image.Image image mode=RGB size=2x2>",
                    "image/png": PNG,
                    "image/jpeg": Base64Of(b"\xff\xd8"),
                }
            ],
            "images": [IMAGE],
        },
    ),
    Program(
        name="a drawing",
        code="from IPython.display import SVG\nSVG('<svg xmlns=\"http://www.w3.org/2000/svg\"/>')",
        response=ok("<IPython.core.display.SVG object>"),
        observed={
            "last_expression": 0,
            "results": [
                {
                    "text/plain": "<IPython.core.display.SVG object>",
                    "image/svg+xml": '<svg xmlns="http://www.w3.org/2000/svg"/>',
                }
            ],
            "images": [{"mime_type": "image/svg+xml", "data": Base64Of(b"<svg ")}],
        },
    ),
    Program(
        name="HTML",
        code="from IPython.display import HTML, display\ndisplay(HTML('<b>x</b>'))",
        response=ok("<IPython.core.display.HTML object>"),
        observed={
            "results": [
                {"text/plain": "<IPython.core.display.HTML object>", "text/html": "<b>x</b>"}
            ]
        },
    ),
    Program(
        name="Markdown",
        code="from IPython.display import Markdown\nMarkdown('# x')",
        response=ok("<IPython.core.display.Markdown object>"),
        observed={
            "last_expression": 0,
            "results": [
                {"text/plain": "<IPython.core.display.Markdown object>", "text/markdown": "# x"}
            ],
        },
    ),
    Program(
        name="LaTeX",
        code="from IPython.display import Math\nMath('x^2')",
        response=ok("<IPython.core.display.Math object>"),
        observed={
            "last_expression": 0,
            "results": [
                {
                    "text/plain": "<IPython.core.display.Math object>",
                    "text/latex": "$\\displaystyle x^2$",
                }
            ],
        },
    ),
    Program(
        name="JSON",
        code="from IPython.display import JSON\nJSON({'a': [1, None]})",
        response=ok("<IPython.core.display.JSON object>"),
        observed={
            "last_expression": 0,
            "results": [
                {
                    "text/plain": "<IPython.core.display.JSON object>",
                    "application/json": {"a": [1, None]},
                }
            ],
        },
    ),
    Program(
        name="a display that is updated",
        code="shown = display('first', display_id=True)\nshown.update('last')\nprint('end')",
        response=ok("'first'\n'last'\nend"),
        observed={"results": [{"text/plain": "'last'"}]},
    ),
    Program(
        name="a display that is cleared",
        code="from IPython.display import clear_output\ndisplay('old')\nclear_output()\n"
        "display('new')",
        response=ok("'old'\n'new'"),
        observed={"results": [{"text/plain": "'new'"}]},
    ),
    Program(
        name="a class with a display of its own",
        code="class Card:\n    def _repr_html_(self):\n        return '<p>card</p>'\n"
        "    def __repr__(self):\n        return 'card'\n\nCard()",
        response=ok("card"),
        observed={
            "last_expression": 0,
            "results": [{"text/plain": "card", "text/html": "<p>card</p>"}],
        },
    ),
    Program(
        name="a large value",
        code="from IPython.display import HTML\nHTML('x' * 2_000_000)",
        response=ok("<IPython.core.display.HTML object>"),
        observed={
            "last_expression": 0,
            "results": [
                {
                    "text/plain": "<IPython.core.display.HTML object>",
                    "files": {"text/html": Matching(r"code-interpreter/results/\w+-1\.html")},
                }
            ],
            "files_saved": [Matching(r"code-interpreter/results/\w+-1\.html")],
        },
    ),
]
