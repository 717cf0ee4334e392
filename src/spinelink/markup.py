"""Elements of HTML. Plain text is escaped wherever it enters; no other module writes a tag."""

from __future__ import annotations

from html import escape

VOID = frozenset({"br", "img", "meta", "wbr"})
"""Elements without content."""


class Html(str):
    """Text that is HTML already, so that it is not escaped again."""

    __slots__ = ()


def element(tag: str, /, *content: str, **attributes: str) -> Html:
    """One element.

    Args:
        tag: its name.
        *content: what stands inside; plain text is escaped.
        **attributes: their values, escaped; `class_` is class, `data_node` is data-node.

    Returns:
        The element as HTML.
    """
    names = (name.rstrip("_").replace("_", "-") for name in attributes)
    opening = "".join(
        f" {name}='{escape(value)}'" for name, value in zip(names, attributes.values(), strict=True)
    )
    if tag in VOID:
        return Html(f"<{tag}{opening}>")
    return Html(f"<{tag}{opening}>{fragment(*content)}</{tag}>")


def fragment(*content: str) -> Html:
    """Several pieces one after the other; plain text is escaped."""
    return Html("".join(c if isinstance(c, Html) else escape(c) for c in content))
