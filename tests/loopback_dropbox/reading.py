"""What the loopback Dropbox tells those who may list and read: folders page by page, revisions, parts of files."""

import json
import re
from typing import Any

from tests.loopback_dropbox.answer import Answer, bad_input, lookup_refused, refused
from tests.loopback_dropbox.files import Files, StoredFile


class Reading:
    """Used under the server's lock.

    Attributes:
        most_entries: in one answer, whatever is asked for.
    """

    def __init__(self, files: Files) -> None:
        self.most_entries = 2000
        self._files = files
        self._left: dict[str, tuple[list[dict[str, Any]], int, int]] = {}

    def answer(self, route: str, arg: dict[str, Any]) -> dict[str, Any]:
        """Of the routes that answer by JSON."""
        if route == "files/get_metadata":
            return self._metadata(route, arg)
        if route == "files/list_revisions":
            return self._revisions(route, arg)
        if route == "files/list_folder/continue":
            if arg["cursor"] not in self._left:
                raise refused("reset", {".tag": "reset"})
            return self._page(*self._left[arg["cursor"]])
        assert route == "files/list_folder", route
        return self._page(self._entries(route, arg), 0, min(arg.get("limit") or 500, self.most_entries))

    def download(self, route: str, arg: dict[str, Any], part: str | None) -> Answer:
        """files/download, whole or from somewhere on."""
        file = self._file(route, arg["path"])
        headers = {"Dropbox-API-Result": json.dumps(file.metadata())}
        if part is None:
            return Answer(200, file.data, "application/octet-stream", headers)
        asked = re.fullmatch("bytes=([0-9]+)-", part)
        assert asked is not None, part
        begin, size = int(asked[1]), len(file.data)
        if begin >= size:
            return Answer(416, b"", "text/plain", {"Content-Range": f"bytes */{size}"})
        headers["Content-Range"] = f"bytes {begin}-{size - 1}/{size}"
        return Answer(206, file.data[begin:], "application/octet-stream", headers)

    def _entries(self, route: str, arg: dict[str, Any]) -> list[dict[str, Any]]:
        """What is below a folder, the folders themselves too. One that is deleted cannot be listed."""
        lower = arg["path"].lower()
        if lower == "/":
            raise bad_input(route, 'request body: path: Specify the root folder as an empty string rather than as "/".')
        if lower in self._files.by_path:
            raise lookup_refused("not_folder")
        if lower and lower not in self._files.folders:
            raise lookup_refused("not_found")
        found = {path: file.metadata() for path, file in self._files.by_path.items()}
        found |= {path: self._files.folder_metadata(path) for path in self._files.folders}
        if arg.get("include_deleted"):
            for path, (display, _) in self._files.deleted.items():
                name = display.rpartition("/")[2]
                found[path] = {".tag": "deleted", "name": name, "path_lower": path, "path_display": display}
        deep, below = bool(arg.get("recursive")), f"{lower}/"
        return [
            found[path] for path in sorted(found) if path.startswith(below) and (deep or "/" not in path[len(below) :])
        ]

    def _page(self, entries: list[dict[str, Any]], begin: int, limit: int) -> dict[str, Any]:
        cursor, end = f"cursor-{len(self._left)}", begin + limit
        self._left[cursor] = (entries, end, limit)
        return {"entries": entries[begin:end], "cursor": cursor, "has_more": len(entries) > end}

    def _metadata(self, route: str, arg: dict[str, Any]) -> dict[str, Any]:
        if arg["path"].lower() in self._files.folders:
            return self._files.folder_metadata(arg["path"].lower())
        return self._file(route, arg["path"]).metadata()

    def _revisions(self, route: str, arg: dict[str, Any]) -> dict[str, Any]:
        """The newest first; what has been deleted since is said beside them."""
        lower, limit = arg["path"].lower(), arg.get("limit", 10)
        if not 1 <= limit <= 100:
            raise bad_input(route, f"request body: limit: {limit} is not between 1 and 100")
        all_of_it = self._files.revisions.get(lower)
        if all_of_it is None:
            known = lower in self._files.folders or lower in self._files.deleted
            raise lookup_refused("not_file" if known else "not_found")
        before = arg.get("before_rev")
        older = [file for file in reversed(all_of_it) if before is None or file.rev < before]
        answer = {
            "is_deleted": lower in self._files.deleted and before is None,
            "entries": [
                {key: said for key, said in file.metadata().items() if key != ".tag"} for file in older[:limit]
            ],
            "has_more": len(older) > limit,
        }
        return answer | ({"server_deleted": self._files.deleted[lower][1]} if answer["is_deleted"] else {})

    def _file(self, route: str, path: str) -> StoredFile:
        if path.startswith("rev:"):
            revisions = (file for files in self._files.revisions.values() for file in files)
            found = next((file for file in revisions if file.rev == path.removeprefix("rev:")), None)
        elif path.startswith("/"):
            found = self._files.by_path.get(path.lower())
            if found is None and path.lower() in self._files.folders:
                raise lookup_refused("not_file")
        else:
            raise bad_input(route, f"request body: path: '{path}' did not match the pattern")
        if found is None:
            raise lookup_refused("not_found")
        return found
