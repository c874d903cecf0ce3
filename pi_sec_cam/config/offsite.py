"""Configuration of where recordings go off-site: Dropbox and further stores; and of what proves them."""

from typing import Annotated, Literal

from pydantic import Field

from pi_sec_cam.config.addresses import WebAddress
from pi_sec_cam.config.values import LocalPath, SecretText, Section, Text, Unit


class Dropbox(Section):
    """Dropbox, and how what leaves this machine is cut and sealed (also for the other stores)."""

    file_chunk_megs: Annotated[
        float,
        Field(gt=0, le=100, description="The largest piece of video that is sent as one file, before sealing"),
        Unit("MiB"),
    ] = 3
    file_chunk_secs: Annotated[
        float,
        Field(
            ge=0.2,
            le=60,
            description="The longest piece of video that is sent as one file: about what is lost if the power is cut",
        ),
        Unit("s"),
    ] = 1
    token: Annotated[
        SecretText | None,
        Field(
            repr=False,
            description="An access token for Dropbox; null (and no refresh_token, and no `pi-sec-cam dropbox login`) "
            "means no Dropbox",
        ),
    ] = None
    refresh_token: Annotated[
        SecretText | None,
        Field(repr=False, description="A refresh token for Dropbox, which does not expire; takes the place of token"),
    ] = None
    app_key: Annotated[Text | None, Field(description="The key of the Dropbox app that refresh_token was made for")] = (
        None
    )
    public_pem_path: Annotated[
        LocalPath | None,
        Field(
            description="The owner's RSA public key (PEM): everything that leaves this machine is sealed for it; "
            "null sends unsealed"
        ),
    ] = None


class DirectoryStore(Section):
    """A folder that is elsewhere: a mounted network drive, a second disk."""

    kind: Annotated[Literal["directory"], Field(description="A folder")]
    path: Annotated[
        LocalPath, Field(examples=["/mnt/nas/cameras"], description="The folder, which must exist (docs/stores.md)")
    ]


class S3Store(Section):
    """A bucket of Amazon S3 or of a server that speaks the same protocol."""

    kind: Annotated[Literal["s3"], Field(description="An S3 bucket")]
    endpoint_url: Annotated[
        WebAddress | None, Field(repr=False, description="The server; null means Amazon's own of the region")
    ] = None
    ca_pem_path: Annotated[
        LocalPath | None,
        Field(description="Certificates (PEM) that vouch for the server, where it is not one that all know"),
    ] = None
    region: Annotated[Text | None, Field(description="The region, where the server has regions")] = None
    bucket: Annotated[Text, Field(examples=["cameras"], description="The bucket")]
    prefix: Annotated[str, Field(max_length=500, description="The folder in the bucket; empty for none")] = ""
    access_key_id: Annotated[Text, Field(examples=["AKIA…"], description="Which key signs in")]
    secret_access_key: Annotated[SecretText, Field(repr=False, examples=["…"], description="That key's secret")]


Store = Annotated[DirectoryStore | S3Store, Field(discriminator="kind")]


class Evidence(Section):
    """What shows, beside the camera's own signature, that footage is whole (docs/evidence.md)."""

    timestamp_url: Annotated[
        WebAddress | None,
        Field(
            repr=False,
            examples=["http://timestamp.digicert.com"],
            description="A time-stamp authority (RFC 3161), which is asked once a day to stamp what each camera has "
            "signed; it learns a checksum, nothing more; null for none",
        ),
    ] = None
