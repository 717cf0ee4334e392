"""Every example of a docstring runs and prints what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import spinelink

OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    for info in pkgutil.walk_packages(spinelink.__path__, "spinelink."):
        if info.name == "spinelink.__main__":
            continue
        module = importlib.import_module(info.name)
        for test in finder.find(module):
            if test.examples:
                yield pytest.param(test, id=test.name.removeprefix("spinelink."))


@pytest.mark.parametrize("example", list(examples()))
def test_example(example):
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    output: list[str] = []
    runner.run(example, out=output.append)
    assert not runner.failures, "".join(output)
