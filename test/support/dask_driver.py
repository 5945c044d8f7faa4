"""A Dask client that a test drives: one JSON line with Python source in, one JSON line with its value out.

Run as ``python dask_driver.py ADDRESS``. The source is executed in one namespace that lives as long as the process and
holds ``client``, ``inc``, ``dec``, ``add``; when its last statement is an expression, the value of that is the answer.
"""

import ast
import json
import sys
import time
import traceback

from distributed import Client, as_completed, wait

DEFINITIONS = """
def inc(x):
    return x + 1

def dec(x):
    return x - 1

def add(x, y):
    return x + y
"""


def evaluate(source, namespace):
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, type_ignores=[]), "<test>", "exec"), namespace)
    if last is not None:
        return eval(compile(ast.Expression(last.value), "<test>", "eval"), namespace)
    return None


def main():
    namespace = {"__name__": "__main__", "time": time, "wait": wait, "as_completed": as_completed}
    with Client(sys.argv[1], timeout=30) as client:
        namespace["client"] = client
        exec(compile(DEFINITIONS, "<test>", "exec"), namespace)
        print(json.dumps({"ready": True}), flush=True)
        for line in sys.stdin:
            try:
                answer = {"value": evaluate(json.loads(line), namespace)}
                text = json.dumps(answer)
            except TypeError:
                text = json.dumps({"value": None})
            except BaseException as error:
                text = json.dumps({"error": "".join(traceback.format_exception(error))})
            print(text, flush=True)


if __name__ == "__main__":
    main()
