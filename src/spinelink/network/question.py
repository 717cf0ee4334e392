"""What was asked, kept with every answer."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from spinelink.network.evidence import EMPTY, Evidence, describe
from spinelink.network.network import Network
from spinelink.version import __version__


@dataclass(frozen=True)
class Question:
    """What an answer remembers: network, setting, evidence, options, and the library that answered."""

    network: str
    version: str
    fingerprint: str
    setting: str | None
    evidence: Evidence = EMPTY
    log_evidence: float = 0.0
    options: tuple[tuple[str, object], ...] = ()
    library: str = __version__

    def __str__(self) -> str:
        findings = ", ".join(describe(n, f) for n, f in self.evidence.items()) or "no findings"
        setting = f", {self.setting}" if self.setting else ""
        return f"{self.network} {self.version} ({self.fingerprint}{setting}): {findings}"

    def to_dict(self) -> dict[str, object]:
        """Plain values, for JSON; options as they were passed."""
        return {
            "library": self.library,
            "network": self.network,
            "version": self.version,
            "fingerprint": self.fingerprint,
            "setting": self.setting,
            "evidence": {n: f if isinstance(f, str) else dict(f) for n, f in self.evidence.items()},
            "log_evidence": self.log_evidence,
            "options": dict(self.options),
        }


def fingerprint(network: Network) -> str:
    """Twelve hexadecimal digits of the SHA-256 of everything the network says."""
    canonical = json.dumps(
        network.model_dump(mode="json", by_alias=True), sort_keys=True, separators=(",", ":")
    )
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]
