"""Checks the modules joined into one text, as Taskglass ships them to a scheduler: reads it on stdin."""

import ast
import asyncio
import builtins
import dis
import importlib
import pkgutil
import sys
from pathlib import Path
from types import CodeType

from distributed import Scheduler

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
import taskglass_agent


def defined(tree):
    """The names that a module's top level defines, with repetitions."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets)


def used(code):
    """The names that code looks for outside of its functions."""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_GLOBAL":
            yield instruction.argval
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from used(const)


async def comes_and_goes(namespace):
    async with Scheduler(port=0, host="127.0.0.1", dashboard_address=":0") as s:
        plugins = set(s.plugins)
        agent = namespace["setup"](s)
        assert len(set(s.plugins) - plugins) == 1
        assert b"hello" in agent.tick(s)
        agent.detach(s)
        assert set(s.plugins) == plugins


source = sys.stdin.read()
names = list(defined(ast.parse(source)))
assert len(names) == len(set(names)), f"one namespace, but twice: {[n for n in set(names) if names.count(n) > 1]}"

code = compile(source, "<agent>", "exec")
namespace = {"__name__": "taskglass_agent", "__interval__": 0.1, "__opts__": None}
exec(code, namespace)
for module in pkgutil.iter_modules(taskglass_agent.__path__):
    own = importlib.import_module(f"taskglass_agent.{module.name}").__dict__
    missing = {name for name in own if not name.startswith("__")} - namespace.keys()
    assert not missing, f"of {module.name}: {missing}"
unknown = {name for name in used(code) if name not in namespace and not hasattr(builtins, name)}
assert not unknown, f"nowhere defined: {unknown}"

asyncio.run(asyncio.wait_for(comes_and_goes(namespace), 30))
print("good", len(names))
