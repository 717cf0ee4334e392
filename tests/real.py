"""A network of real size for tests of the tools: back-leg-pain 0.3.0, which never changes.

So tests of the tools need no change when knowledge does. What the bundled network knows is tested in
`tests/networks`.
"""

from __future__ import annotations

from pathlib import Path

REAL = Path(__file__).parent / "data" / "networks" / "back-leg-pain-0.3.yaml"
