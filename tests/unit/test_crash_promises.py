"""What the crash tests take for promised."""

from tests.system.crash.promises import Promise, promises


def test_what_was_said_adds_up_and_a_line_that_was_cut_short_was_not_said() -> None:
    said = b"""{"event": "a", "complete": false, "pictures": 0}
{"event": "a", "pictures": 20}
{"event": "a", "changing": ["locked", "labels"]}
{"event": "b", "complete": true, "pictures": 9}
{"event": "a", "words": {"locked": true, "labels": ["cat"]}}
{"event": "b", "deleting": true}
{"event": "b", "del"""
    assert promises(said) == {
        "a": Promise(pictures=20, words={"locked": True, "labels": ["cat"]}),
        "b": Promise(pictures=9, complete=True, deleting=True),
    }


def test_words_that_are_being_changed_are_not_promised() -> None:
    (promise,) = promises(b'{"event": "a", "words": {"note": "1"}}\n{"event": "a", "changing": ["note"]}\n').values()
    assert promise == Promise(words={"note": "1"}, changing=["note"])
