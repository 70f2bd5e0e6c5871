"""What may be in `sync.toml`; each field's description says what it must be, and ends up in the error."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

import phonenumbers
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from worker.config.complaints import shown
from worker.config.model import Rate
from worker.config.settings import BatchSize, ProjectId, rate_from_text


def _known_region(value: str) -> str:
    if value.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"must be the two letters of a country, such as UA, not {shown(value)}")
    return value.upper()


def _variable_name(value: str) -> str:
    # Not shown: whoever misunderstands it writes the key itself here.
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise ValueError("must be the name of an environment variable; the key itself does not belong here")
    return value


def _number_as_text(value: object) -> object:
    return str(value) if type(value) is int else value


WITHOUT_NUL = r"\A[^\x00]*\z"
"""JSON could spell it, but the API gets none: every contact would be invalid."""
Text = Annotated[str, Field(pattern=r"\S", description="a string that is not blank")]
Name = Annotated[
    str,
    Field(
        pattern=r"\A[^[:cntrl:]]*[^\s[:cntrl:]][^[:cntrl:]]*\z",
        description="a string of one line that is not blank",
    ),
]
VariableName = Annotated[
    str, AfterValidator(_variable_name), Field(description="a string, the name of an environment variable")
]
Region = Annotated[str, AfterValidator(_known_region), Field(description="the two letters of a country, such as UA")]
WrittenRate = Annotated[Rate, BeforeValidator(rate_from_text), Field(description="requests a period, such as 5/s")]
WrittenSeconds = Annotated[
    float, Field(ge=1, le=86_400, allow_inf_nan=False, description="a number of seconds from 1 to 86400")
]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class ProjectTable(_Table):
    """One `[[projects]]`."""

    id: ProjectId
    auth_key_env: VariableName | None = None
    auth_key_file: Text | None = None
    rate_limit: WrittenRate | None = None
    batch_size: BatchSize | None = None


class WatchTable(_Table):
    """One entry of a source's `watch`."""

    table: Text
    key: Text | None = None
    keys: Text | None = None
    columns: list[Text] = Field(
        default=[],
        min_length=1,
        description="a list of names of columns (leave it out to watch all of them)",
    )
    where: Text | None = None

    @model_validator(mode="after")
    def _take_keys_from_one_place(self) -> Self:
        if (self.key is None) == (self.keys is None):
            raise ValueError("needs either `key` (a column of the changed row) or `keys` (a SELECT), and not both")
        return self


class SourceTable(_Table):
    """One `[[sources]]`."""

    name: Name
    method: Literal["contacts", "organizations"] = Field(description='"contacts" or "organizations"')
    identity: Literal["externalId", "leadId"] = Field(default="externalId", description='"externalId" or "leadId"')
    project: ProjectId | None = None
    query: Text = Field(description="the name of a file with a SELECT, beside sync.toml")
    row_security: bool = Field(default=False, description="true or false")
    capture: Literal["triggers", "poll"] | None = Field(default=None, description='"triggers" or "poll"')
    poll_interval: WrittenSeconds = 30.0
    poll_margin: WrittenSeconds = 600.0
    watch: list[WatchTable] = Field(default=[], description='a list such as [{ table = "…", key = "…" }]')

    @model_validator(mode="after")
    def _identify_organizations_by_their_one_id(self) -> Self:
        if self.method == "organizations" and self.identity == "leadId":
            raise ValueError('identity must be "externalId": organizations have no leadId')
        return self


class SyncToml(_Table):
    """The whole file."""

    origin: str | None = Field(default=None, pattern=WITHOUT_NUL, description="a string, the name of your CRM")
    default_region: Region = "UA"
    default_responsible: Annotated[str, BeforeValidator(_number_as_text)] | None = Field(
        default=None, pattern=WITHOUT_NUL, description="a string, the id of an employee in the CRM"
    )
    phone_check: Literal["possible", "valid"] = Field(default="possible", description='"possible" or "valid"')
    projects: list[ProjectTable] = Field(default=[], description="written as [[projects]] tables")
    sources: list[SourceTable] = Field(min_length=1, description="written as one or more [[sources]] tables")
