"""Where parameters come from, and which public codes a node has."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from spinelink.network.base import Text, Value


class Source(Value):
    """A publication. One without doi, pmid and full citation is `secondhand`."""

    authors: str = ""
    year: int | None = Field(default=None, ge=1800, le=2100, strict=True)
    title: str = ""
    journal: str = ""
    doi: Annotated[str, Field(pattern=r"^10\.\S+$")] | None = None
    pmid: Annotated[str, Field(pattern=r"^\d{1,9}$")] | None = None
    secondhand: bool = Field(default=False, strict=True)
    note: str = ""
    design: str = Field(default="", description="Of the study: cohort, case-control, review ...")
    population: str = Field(default="", description="Who took part.")
    selected: str = Field(default="", description="How the people were selected.")
    reference: str = Field(default="", description="The reference standard of the condition.")
    risk_of_bias: str = Field(default="", description="What may be wrong with its figures.")


class Codes(Value):
    """Cross-references to open code lists. The release of each list stands in NOTICE."""

    hpo: Annotated[str, Field(pattern=r"^HP:\d{7}$")] | None = None
    mondo: Annotated[str, Field(pattern=r"^MONDO:\d{7}$")] | None = None
    icd10: Annotated[str, Field(pattern=r"^[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?$")] | None = None


class Care(Value):
    """What the literature or the article says is done for a cause: information, never an order."""

    text: Text
    source: str
