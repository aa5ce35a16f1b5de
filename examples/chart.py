"""The client: upload data, draw a chart of it in a sandbox, download the chart.

    make deploy
    python examples/chart.py [stack]

The program uses the stack `CodeInterpreter`, or another stack with the output `InvokeFunctionName`,
in the account that the environment names: an AWS profile, or the local AWS of `make local`, with
`eval "$(make -s env)"`. It writes `chart.png`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from code_interpreter_client import CodeInterpreter

SALES = "month,revenue\nJan,1200\nFeb,1350\nMar,1280\nApr,1610\nMay,1750\nJun,1690\n"

PROGRAM = """
import pandas as pd

sales = pd.read_csv("sales.csv")
sales.plot.bar(x="month", y="revenue", legend=False, title="Revenue")
print(f"best month: {sales.loc[sales.revenue.idxmax(), 'month']}")
"""


def main(stack: str = "CodeInterpreter") -> None:
    Path("sales.csv").write_text(SALES)
    # A session without a name of its own is stopped at the end, also after an error.
    with CodeInterpreter.from_stack(stack).session() as session:
        session.upload("sales.csv")
        result = session.run(PROGRAM)
        print(result.stdout)
        result.figures[0].save("chart.png")
        print("saved chart.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
