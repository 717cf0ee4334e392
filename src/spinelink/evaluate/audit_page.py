"""The audit as one HTML page that stands alone."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1400px;padding:0 1rem;"
    "color:#1b1f24;background:#fff}"
    "table{border-collapse:collapse;font-size:13px;margin-bottom:2rem}"
    "th{text-align:left;vertical-align:bottom;border-bottom:2px solid #57606a;padding:.25rem .6rem}"
    "td{border-bottom:1px solid #d0d7de;padding:.2rem .6rem;vertical-align:top;"
    "overflow-wrap:break-word}td.number{text-align:right;white-space:nowrap}"
    "@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}"
    "td{border-color:#30363d}}"
)


def audit_page(
    network: str, headline: str, *, version: str, sections: Mapping[str, pd.DataFrame | str]
) -> str:
    """A page with a title, a headline, and under each section's title a table or a text."""
    parts = [
        f"<h1>Audit of {escape(network)} {escape(version)}</h1>",
        f"<p>{escape(headline)}</p>",
    ]
    for title, content in sections.items():
        body = f"<p>{escape(content)}</p>" if isinstance(content, str) else _table(content)
        parts.append(f"<h2>{escape(title)}</h2>{body}")
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        f"<title>Audit of {escape(network)}</title>"
        f"<style>{STYLE}</style><body>{''.join(parts)}</body></html>"
    )


def _table(frame: pd.DataFrame) -> str:
    head = "".join(f"<th>{escape(str(c)).replace('_', ' ')}</th>" for c in frame.columns)
    body = "".join(
        f"<tr>{''.join(_cell(v) for v in row)}</tr>" for row in frame.itertuples(index=False)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return f"<td>{'yes' if value else 'no'}</td>"
    if isinstance(value, float | np.floating):
        return f"<td class='number'>{'' if np.isnan(value) else f'{value:.3g}'}</td>"
    if isinstance(value, int | np.integer):
        return f"<td class='number'>{value}</td>"
    return f"<td>{escape(str(value)).replace('_', '_<wbr>')}</td>"  # long names break there
