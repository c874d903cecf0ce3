"""What the loopback Dropbox answers: its errors in Dropbox's own forms."""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One answer; `headers` are beside Content-Type and Content-Length, `cut_at` is where it breaks off."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    cut_at: int | None = None


class Refusal(Exception):
    """Ends a call with an error's answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body.decode())
        self.answer = answer


def good(found: object) -> Answer:
    return Answer(200, json.dumps(found).encode())


def bad_input(route: str, why: str) -> Refusal:
    """400 is plain text, whatever was asked."""
    text = f'Error in call to API function "{route}": {why}'
    return Refusal(Answer(400, text.encode(), "text/plain; charset=utf-8"))


def unauthorised(tag: str, **more: str) -> Refusal:
    return Refusal(_tagged(401, tag, {".tag": tag, **more}))


def refused(summary: str, error: dict[str, Any]) -> Refusal:
    """An error that belongs to the route, 409."""
    return Refusal(_tagged(409, summary, error))


def lookup_refused(tag: str) -> Refusal:
    """A LookupError of what reads: "not_found", "not_file", "not_folder"."""
    return refused(f"path/{tag}", {".tag": "path", "path": {".tag": tag}})


def path_refused(*tags: str) -> Refusal:
    """A WriteError of files/upload: `path_refused("conflict", "file")`."""
    reason: dict[str, Any] = {".tag": tags[0]}
    if len(tags) > 1:
        reason[tags[0]] = {".tag": tags[1]}
    return refused(
        "/".join(("path", *tags)), {".tag": "path", "reason": reason, "upload_session_id": "pid_upload:AAAA"}
    )


def too_many(retry_after_s: int, reason: str = "too_many_requests") -> Answer:
    """429 as most hosts of Dropbox write it: JSON, the seconds in the body and in the header."""
    error = {"reason": {".tag": reason}, "retry_after": retry_after_s}
    answer = _tagged(429, reason, error)
    return Answer(answer.status, answer.body, answer.content_type, {"Retry-After": str(retry_after_s)})


def too_many_as_text(retry_after: str | None) -> Answer:
    """429 as Dropbox's front servers write it; the header is what they like: "3", "1.5", an HTTP date, or not there."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Answer(429, b"too_many_requests/..", "text/plain; charset=utf-8", headers)


def server_error(status: int = 503) -> Answer:
    return Answer(status, b"upstream is away", "text/plain; charset=utf-8")


def portal_page() -> Answer:
    """A captive portal answers for everyone, with its own page."""
    return Answer(200, b"<!DOCTYPE html><title>Welcome to our guest network</title>", "text/html; charset=utf-8")


def portal_redirect() -> Answer:
    return Answer(302, b"", "text/html", {"Location": "http://portal.invalid/welcome"})


def grant_refused(error: str, description: str) -> Refusal:
    """An error of oauth2/token, which has OAuth's form, not the API's."""
    body = json.dumps({"error": error, "error_description": description}).encode()
    return Refusal(Answer(400, body))


def _tagged(status: int, summary: str, error: dict[str, Any]) -> Answer:
    return Answer(status, json.dumps({"error_summary": f"{summary}/..", "error": error}).encode())
