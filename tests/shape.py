"""The shape of the house, as figures: `make shape`, or `python -m tests.shape`.

What is counted is said beside each line. The aims are those of the architecture.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1] / "src" / "spinelink"
LONGEST_MODULE, LONGEST_FUNCTION, MOST_POSITIONAL = 400, 100, 6
HTML = ("<div", "<table", "<ul>", "<li>", "<p>", "<section", "<td", "<th")
HTML_ROOMS = ("view/html.py", "view/svg.py", "report/")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> dict[str, str]:
    """Every module by its path under the package, with its text."""
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for path in sorted(ROOT.rglob("*.py"))
    }


def functions(tree: ast.AST, inside: str = "") -> Iterator[tuple[str, Function, bool]]:
    """Every function of a module: its name, and whether it is a method."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            yield f"{inside}{node.name}", node, isinstance(tree, ast.ClassDef)
            yield from functions(node, f"{inside}{node.name}.")
        elif isinstance(node, ast.ClassDef):
            yield from functions(node, f"{inside}{node.name}.")
        else:
            yield from functions(node, inside)


def positional(node: Function, is_method: bool) -> int:
    """Positional parameters, without `self` and `cls`."""
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)
    return len(node.args.posonlyargs) + len(node.args.args) - (is_method and not static)


def is_public(path: str, name: str) -> bool:
    return not any(part.startswith("_") for part in name.split("."))


def code_lines(text: str) -> tuple[int, int]:
    """Lines that hold code, and lines of docstrings."""
    tree = ast.parse(text)
    docstrings: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | Function):
            continue
        for statement in node.body:
            if (
                isinstance(statement, ast.Expr)
                and isinstance(statement.value, ast.Constant)
                and isinstance(statement.value.value, str)
            ):
                docstrings |= set(range(statement.lineno, (statement.end_lineno or 0) + 1))
    code: set[int] = set()
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in skipped and token.type != tokenize.ENDMARKER:
            code |= set(range(token.start[0], token.end[0] + 1))
    return len(code - docstrings), len(docstrings)


def own_imports(tree: ast.Module) -> tuple[set[str], int]:
    """Modules of the package that are imported anywhere, and how many imports stand in functions."""
    names: set[str] = set()
    inside = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("spinelink"):
            names |= {_imported(node.module or "", alias.name) for alias in node.names}
    for _, function, _ in functions(tree):
        inside += sum(
            isinstance(node, ast.ImportFrom) and (node.module or "").startswith("spinelink")
            for node in function.body
            for node in ([node] if isinstance(node, ast.ImportFrom) else ast.walk(node))
        )
    return names, inside


def _imported(module: str, name: str) -> str:
    """The module that `from module import name` imports: a module of that name, or the one named."""
    path = ROOT.parent.joinpath(*module.split("."), name)
    return f"{module}.{name}" if path.with_suffix(".py").exists() or path.is_dir() else module


def circles(texts: dict[str, str]) -> list[list[str]]:
    """Groups of modules that import each other in a circle, type-checking imports included."""
    import networkx as nx

    names = {_dotted(path): path for path in texts}
    graph = nx.DiGraph()
    for name, path in names.items():
        found, _ = own_imports(ast.parse(texts[path]))
        graph.add_edges_from((name, other) for other in found if other in names and other != name)
    groups = [sorted(g) for g in nx.strongly_connected_components(graph) if len(g) > 1]
    return sorted(groups)


def _dotted(path: str) -> str:
    return ".".join(["spinelink", *path.removesuffix(".py").split("/")]).removesuffix(".__init__")


def kernel_calls(texts: dict[str, str]) -> list[str]:
    """Modules outside the engine's door that import the compiled kernel."""
    allowed = ("inference/engine.py", "inference/kernel/", "inference/gradient/counts.py")
    found = []
    for path, text in texts.items():
        if path.startswith(allowed):
            continue
        names, _ = own_imports(ast.parse(text))
        if any(n.startswith("spinelink.inference.kernel") for n in names):
            found.append(path)
    return found


def rows() -> list[tuple[str, str, str, list[str]]]:
    """What is measured: words, value, aim, and where the aim is missed."""
    texts = modules()
    sizes = {path: text.count("\n") for path, text in texts.items()}
    every = [
        (path, name, node, positional(node, method))
        for path, text in texts.items()
        for name, node, method in functions(ast.parse(text))
    ]
    lengths = {
        f"{path}:{name}": (node.end_lineno or 0) - node.lineno + 1 - _docstring_length(node)
        for path, name, node, _ in every
    }
    public = [e for e in every if is_public(e[0], e[1])]
    many = [e for e in every if e[3] > 2]
    many_public = [e for e in public if e[3] > 2]
    too_many = [f"{path}:{name} ({n})" for path, name, _, n in every if n > MOST_POSITIONAL]
    long_modules = [f"{p} ({n})" for p, n in sizes.items() if n > LONGEST_MODULE]
    long_functions = [f"{p} ({n})" for p, n in lengths.items() if n > LONGEST_FUNCTION]
    inner = {path: own_imports(ast.parse(text))[1] for path, text in texts.items()}
    counted = [code_lines(text) for text in texts.values()]
    code, documented = sum(c for c, _ in counted), sum(d for _, d in counted)
    splits = _containing(texts, ('.split(".")', '.partition(".")'), ())
    checks = _containing(
        texts, (", bool) or not isinstance", "bool) or not isinstance"), ("options.py",)
    )
    html = _containing(texts, HTML, HTML_ROOMS)
    return [
        ("diagnosis.py, lines", str(sizes["diagnosis.py"]), "<= 200", []),
        (f"modules over {LONGEST_MODULE} lines", str(len(long_modules)), "0", long_modules),
        (f"functions over {LONGEST_FUNCTION} lines", str(len(long_functions)), "0", long_functions),
        ("functions with more than 2 positional", _share(many, every), "<= 12 %", []),
        ("the same, public", _share(many_public, public), "<= 8 %", []),
        (f"more than {MOST_POSITIONAL} positional", str(len(too_many)), "0", too_many),
        ("import circles", str(len(circles(texts))), "0", [" ".join(c) for c in circles(texts)]),
        (
            "imports of own modules in functions",
            str(sum(inner.values())),
            "<= 25",
            [f"{p} ({n})" for p, n in inner.items() if n],
        ),
        ("modules outside the door that import the kernel", str(len(kernel_calls(texts))), "0",
         kernel_calls(texts)),
        ("docstring lines per 100 lines of code", f"{100 * documented / code:.1f}", ">= 15", []),
        ("modules that split a dotted id", str(len(splits)), "1", splits),
        ("modules that check options by hand", str(len(checks)), "0", checks),
        ("modules that write HTML by hand", str(len(html)), "0 beside view and report", html),
        ("lines of code, without docstrings", str(code), "-", []),
    ]  # fmt: skip


def _docstring_length(node: Function) -> int:
    first = node.body[0]
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return (first.end_lineno or 0) - first.lineno + 1 if is_text else 0


def _share(part: list, whole: list) -> str:  # type: ignore[type-arg]
    return f"{100 * len(part) / len(whole):.1f} % ({len(part)} of {len(whole)})"


def _containing(
    texts: dict[str, str],
    words: tuple[str, ...],
    rooms: tuple[str, ...],
    *,
    together: bool = False,
) -> list[str]:
    """Modules outside some rooms with a line of code that holds one of the words, or all."""
    pick = all if together else any
    return [
        path
        for path, text in texts.items()
        if not path.startswith(rooms or ("-",))
        and any(pick(w in line for w in words) for line in text.splitlines())
    ]


def main() -> None:
    details = "--details" in sys.argv
    for words, value, aim, where in rows():
        print(f"{words:<50} {value:>22}   aim {aim}")
        if details:
            for place in where:
                print(f"    {place}")


if __name__ == "__main__":
    main()
