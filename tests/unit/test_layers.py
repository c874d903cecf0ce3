"""The rooms import only what the design allows them, and nobody imports in a circle."""

import ast
from pathlib import Path

import pi_sec_cam

ROOT = Path(pi_sec_cam.__file__).parent

# A room's name is its module or package below pi_sec_cam. docs/architecture.md has the same table in prose.
BASE = {"errors", "clock", "worker", "allocator", "ownership", "durable", "backoff"}
MAY_IMPORT = {
    "__init__": set[str](),
    "errors": set[str](),
    "clock": {"errors"},
    "worker": {"errors", "clock"},
    "allocator": set[str](),
    "ownership": set[str](),
    "durable": {"errors", "ownership"},
    "backoff": set[str](),
    "config": {"errors"},
    "media": BASE,
    "camera": BASE | {"media"},
    "motion": BASE | {"media"},
    "remembered": BASE,
    "evidence": BASE,
    "record": BASE | {"media", "motion", "remembered", "offsite"},
    "offsite": BASE | {"media", "motion", "evidence"},
    "home": BASE | {"evidence", "offsite", "media"},
    "local_socket": BASE,
    "sending": BASE | {"__init__", "config", "evidence", "media", "motion", "offsite", "record", "remembered"},
    "node": BASE | {"config", "offsite", "sending", "media", "camera", "motion", "record", "remembered"},
    "absent_parts": {"config"},
    "daemon": BASE | {"__init__", "config", "record", "node", "local_socket", "absent_parts", "remembered", "sending"},
    "cli": BASE
    | {
        "__init__",
        "camera",
        "config",
        "daemon",
        "evidence",
        "home",
        "local_socket",
        "node",
        "offsite",
        "record",
        "remembered",
        "sending",
    },
    "__main__": {"cli"},
}
# motion.detector and motion.watcher are not for those who keep and send: they know events only.
SEES_OF_MOTION = {"pi_sec_cam.motion.event", "pi_sec_cam.motion.event_reader", "pi_sec_cam.motion.motion_picture"}
# What is sealed is recorded by leaving: its record is made from its journal.
SEES_OF_OFFSITE = {"pi_sec_cam.offsite.journal"}
# Vendors' libraries, each in the one file that may import it.
VENDOR_FILES = {
    "picamera2": {"camera/picamera2.py"},
    "libcamera": {"camera/picamera2.py"},
    "sqlalchemy": {"record"},
    "alembic": {"record"},
    "pydantic": {"config", "record/event_record.py"},
    "click": {"cli"},
    "rich": {"cli"},
    "cryptography": {"offsite", "evidence"},
    "dropbox": {"offsite/stores", "offsite/dropbox_login.py", "home/dropbox.py"},
    "requests": {"offsite/stores", "home/dropbox.py", "evidence/stamp_exchange.py"},
    "botocore": {"offsite/stores/s3.py", "offsite/stores/s3_client.py", "home/s3.py"},
    "rfc3161_client": {"evidence/timestamp.py"},
    "segno": {"cli"},
    "jinja2": {"evidence/reporting/page.py"},
}


def modules() -> dict[str, Path]:
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path) -> set[str]:
    """Full names of what a file imports anywhere in it (type-checking blocks too)."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def test_each_room_imports_only_what_it_may() -> None:
    known = modules()
    for module, path in known.items():
        for name in imports(path):
            target = name if name in known else name.rpartition(".")[0]
            if target not in known or room(target) == room(module):
                continue
            if target == "pi_sec_cam" and name != "pi_sec_cam.__version__":
                continue  # `from pi_sec_cam import room`: the room itself is listed too
            assert room(target) in MAY_IMPORT[room(module)], f"{module} imports {target}"
            if room(module) in {"record", "offsite", "sending"} and room(target) == "motion":
                assert target in SEES_OF_MOTION, f"{module} imports {target}"
            if room(module) == "record" and room(target) == "offsite":
                assert target in SEES_OF_OFFSITE, f"{module} imports {target}"


def test_no_module_imports_itself_through_others() -> None:
    known = modules()
    graph = {
        module: {name for name in imports(path) if name in known and not f"{module}.".startswith(f"{name}.")}
        for module, path in known.items()
    }
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, f"circle: {' -> '.join([*trail, module])}"
        if module not in done:
            for target in sorted(graph[module]):
                visit(target, (*trail, module))
            done.add(module)

    for module in sorted(graph):
        visit(module, ())


def test_a_vendors_library_is_imported_in_its_own_file_alone() -> None:
    for module, path in modules().items():
        place = path.relative_to(ROOT).as_posix()
        for name in imports(path):
            allowed = VENDOR_FILES.get(name.partition(".")[0])
            if allowed is not None:
                assert any(place == a or place.startswith(f"{a}/") for a in allowed), f"{module} imports {name}"


def test_no_room_is_called_for_what_it_is_not() -> None:
    banned = {"utils", "util", "helpers", "common", "manager", "misc"}
    assert not banned & {path.stem for path in ROOT.rglob("*")}
