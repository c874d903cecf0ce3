"""A server on loopback that speaks S3 and knows its users and what each may: moto, in a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import botocore.session
from botocore.config import Config

_PATIENCE_S = 60
_EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def s3_policy(bucket: str, prefix: str, *actions: str) -> dict[str, Any]:
    """Allows these below the prefix."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": f"arn:aws:s3:::{bucket}/{prefix}/*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


@dataclass(frozen=True)
class Login:
    """Who may do something there."""

    user: str
    access_key_id: str
    secret_access_key: str


class S3Server:
    """Runs between `with` and its end.

    Attributes:
        url: its address.
        port: on 127.0.0.1.
    """

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / "s3_server.log"
        self._numbers = count(1)

    def __enter__(self) -> Self:
        # Signatures and rights are checked from the fourth request on: the first three make the administrator.
        environment = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "3"}
        command = [sys.executable, "-m", "moto.server", "-p", str(self.port)]
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            self._wait()
            nobody = self._client("iam", "nobody", "nothing")
            nobody.create_user(UserName="administrator")
            nobody.put_user_policy(UserName="administrator", PolicyName="all", PolicyDocument=json.dumps(_EVERYTHING))
            key = nobody.create_access_key(UserName="administrator")["AccessKey"]
            administrator = (key["AccessKeyId"], key["SecretAccessKey"])
            self._users = self._client("iam", *administrator)
            self._objects = self._client("s3", *administrator)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(_PATIENCE_S)

    def make_bucket(self, **settings: Any) -> str:
        """A new, empty one."""
        name = f"cameras-{next(self._numbers)}"
        self._objects.create_bucket(Bucket=name, **settings)
        return name

    def keep_versions(self, bucket: str) -> None:
        """From now on what is overwritten or deleted stays there as an older version."""
        self._objects.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def make_login(self, policy: dict[str, Any]) -> Login:
        """A new user, who may do what the policy says."""
        user = f"camera-{next(self._numbers)}"
        self._users.create_user(UserName=user)
        key = self._users.create_access_key(UserName=user)["AccessKey"]
        login = Login(user, key["AccessKeyId"], key["SecretAccessKey"])
        self.allow(login, policy)
        return login

    def allow(self, login: Login, policy: dict[str, Any]) -> None:
        """From now on the user may do this."""
        self._users.put_user_policy(UserName=login.user, PolicyName="camera", PolicyDocument=json.dumps(policy))

    def forbid(self, login: Login) -> None:
        """From now on the user may do nothing."""
        self._users.delete_user_policy(UserName=login.user, PolicyName="camera")

    def held(self, bucket: str) -> dict[str, bytes]:
        """What is in the bucket, the administrator sees."""
        names = [found["Key"] for found in self._objects.list_objects_v2(Bucket=bucket).get("Contents", ())]
        return {name: self._objects.get_object(Bucket=bucket, Key=name)["Body"].read() for name in names}

    def client(self, login: Login) -> Any:
        """Somebody else's program, with this login."""
        return self._client("s3", login.access_key_id, login.secret_access_key)

    def _client(self, service: str, access_key_id: str, secret_access_key: str) -> Any:
        return botocore.session.Session().create_client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def _wait(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                assert self._process.poll() is None, self._log.read_text()
                assert time.monotonic() < deadline, self._log.read_text()
                time.sleep(0.05)
