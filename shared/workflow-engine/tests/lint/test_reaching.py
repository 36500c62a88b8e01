"""What counts as workflow code: everything that a workflow reaches in its own module."""

from __future__ import annotations

from textwrap import dedent

import pytest

from maestro_workflow_engine.lint import lint_source


def found(text: str) -> list[tuple[int, str, str]]:
    """Return line, workflow and trail of each finding."""
    return [(each.line, each.workflow, " > ".join(each.trail)) for each in lint_source(dedent(text).lstrip())]


@pytest.mark.parametrize(
    ("imports", "decorator"),
    [
        ("from maestro_workflow_engine import workflow", "@workflow"),
        ("from maestro_workflow_engine import workflow", "@workflow(name='a/b', version='2.0.0')"),
        ("from maestro_workflow_engine import workflow as durable", "@durable"),
        ("import maestro_workflow_engine", "@maestro_workflow_engine.workflow"),
        ("import maestro_workflow_engine as mwe", "@mwe.workflow(name='x')"),
        ("from maestro_workflow_engine import *", "@workflow"),
        ("from maestro_workflow_engine import workflow; flow = workflow(version='2')", "@flow"),
        (
            "try:\n    from maestro_workflow_engine import workflow\nexcept ImportError:\n    workflow = None",
            "@workflow",
        ),
    ],
)
def test_every_way_to_declare_a_workflow(imports, decorator):
    """However the decorator was imported and called, the function under it is judged."""
    text = f"import time\n{imports}\n{decorator}\nasync def run(): return time.time()\n"
    assert [each.code for each in lint_source(text)] == ["MWF101"]


@pytest.mark.parametrize("call", ["workflow(run)", "workflow(name='x')(run)", "[workflow(run)]"])
def test_a_workflow_that_is_declared_by_a_call(call):
    """A function that is handed to workflow() is judged as well."""
    text = f"import time\nfrom maestro_workflow_engine import workflow\nasync def run(): time.time()\nflow = {call}\n"
    assert [each.line for each in lint_source(text)] == [3]


def test_code_that_no_workflow_reaches_is_free():
    """Other functions, the module's own level, and a decorator of the same name from elsewhere are not judged."""
    assert not found(
        """
        import time
        from elsewhere import workflow
        time.sleep(0)
        def main(): time.sleep(1)
        @workflow
        async def other(): time.sleep(1)
        """
    )


def test_steps_are_free():
    """A step does what it likes, however it is declared and wherever it stands."""
    assert not found(
        """
        import time
        import maestro_workflow_engine as mwe
        from maestro_workflow_engine import step, workflow

        @step
        def plain(): return time.time()
        @step(name="x")
        async def options(): return time.time()
        @mwe.step
        def attribute(): return time.time()
        def made(): return time.time()
        by_call = step(made)

        @workflow
        async def flow():
            @step
            def local(): return time.time()
            def wrapped(): return time.time()
            await plain(), await options(), await attribute(), await by_call(), await local()
            await step(wrapped)()
        """
    )


def test_a_child_workflow_is_judged_once_and_as_itself():
    """What a child workflow does is told of the child, not of each parent."""
    assert found(
        """
        import time
        from maestro_workflow_engine import workflow
        @workflow
        async def child(): time.sleep(1)
        @workflow
        async def parent(): await child()
        """
    ) == [(4, "child", "")]


def test_functions_are_followed_however_they_are_reached():
    """Calls, functions passed on, aliases, nested functions and lambdas lead to what they do."""
    assert found(
        """
        import time
        from functools import partial
        from maestro_workflow_engine import workflow
        def called(): time.sleep(1)
        def passed(n): time.sleep(1)
        async def awaited(): time.sleep(1)
        def aliased(): time.sleep(1)
        def deep(): deeper()
        def deeper(): time.sleep(1)
        also = aliased
        def free(): time.sleep(1)
        @workflow
        async def flow():
            called(); list(map(passed, [1])); await awaited(); also(); partial(deep)()
            def nested(): time.sleep(1)
            def unused(): time.sleep(1)
            nested()
            late = lambda: time.sleep(1)
        """
    ) == [
        (4, "flow", "called"),
        (5, "flow", "passed"),
        (6, "flow", "awaited"),
        (7, "flow", "aliased"),
        (9, "flow", "deep > deeper"),
        (15, "flow", "nested"),
        (18, "flow", ""),
    ]


def test_methods_are_followed():
    """Objects made in a workflow, typed parameters, self, inheritance, properties and context managers lead to methods."""
    assert found(
        """
        import time
        from maestro_workflow_engine import workflow

        class Base:
            def inherited(self): time.sleep(1)

        class Thing(Base):
            def __init__(self): self.part = Part()
            def __enter__(self): time.sleep(1)
            def __exit__(self, *_): pass
            def method(self): self._private()
            def _private(self): time.sleep(1)
            @property
            def size(self): return time.time()
            @classmethod
            def make(cls) -> "Thing": return cls()
            @staticmethod
            def stand(): time.sleep(1)
            def unused(self): time.sleep(1)

        class Part:
            def use(self): time.sleep(1)

        @workflow
        async def flow(given: Thing | None):
            with Thing() as thing:
                thing.method()
            given.inherited()
            Thing.make().size
            given.part.use()
            Thing.stand()
        """
    ) == [
        (5, "flow", "Base.inherited"),
        (9, "flow", "Thing.__enter__"),
        (12, "flow", "Thing.method > Thing._private"),
        (14, "flow", "Thing.size"),
        (18, "flow", "Thing.stand"),
        (22, "flow", "Part.use"),
    ]


def test_elements_and_attributes_keep_their_types():
    """What a loop takes from a typed list, and what a typed attribute holds, is known by its annotation."""
    assert found(
        """
        from dataclasses import dataclass
        from pathlib import Path
        from maestro_workflow_engine import step, workflow

        @dataclass
        class Item:
            tags: set[str]
            file: Path | None
            numbers: set[int]

        @step
        async def load() -> "list[Item]": ...

        @workflow
        async def flow(items: list[Item], paths: tuple[Path, ...], by_name: dict[str, Item]):
            for item in items:
                print(*item.tags, *item.numbers)
            [print(path.exists()) for path in paths]
            print([item.file.stat() for item in await load()])
            for tag in (await load())[0].tags: pass
            for tag in by_name["x"].tags: pass
            print(paths[0].exists(), [name.exists() for name in by_name])
        """
    ) == [(line, "flow", "") for line in range(17, 23)]


def test_a_workflow_in_a_class_or_function_is_found():
    """A workflow may be defined anywhere in the module."""
    assert found(
        """
        import time
        from maestro_workflow_engine import workflow
        def build():
            @workflow
            async def inner(): time.sleep(1)
            return inner
        class Group:
            @staticmethod
            @workflow
            async def member(): time.sleep(1)
        """
    ) == [(5, "inner", ""), (10, "Group.member", "")]


def test_recursion_ends():
    """Functions that call one another, and names that refer to themselves, are no trouble."""
    assert found(
        """
        import time
        from maestro_workflow_engine import workflow
        def ping(n): return pong(n)
        def pong(n): time.sleep(1); return ping(n)
        class Loop(Loop): pass
        @workflow
        async def flow(node):
            node = node.left; node = node.right; node = node.next()
            a = b = None
            a = b; b = a
            ping(1); a.x(); Loop().y()
        """
    ) == [(4, "flow", "ping > pong")]


def test_the_shortest_way_is_told():
    """A place that several ways lead to is one finding, with the shortest of them."""
    assert found(
        """
        import time
        from maestro_workflow_engine import workflow
        def around(): clock()
        def clock(): time.time()
        @workflow
        async def first(): around()
        @workflow
        async def second(): clock()
        """
    ) == [(4, "second", "clock")]


def test_columns_count_characters():
    """The column is that of the character an editor shows, not of the byte."""
    text = "import time\nfrom maestro_workflow_engine import workflow\n@workflow\nasync def f(): é = 'äöü'; time.sleep(1)\n"
    (finding,) = lint_source(text, "flow.py")
    assert (finding.line, finding.column) == (4, 27)
    assert str(finding).startswith("flow.py:4:27: MWF102 time.sleep() ")
