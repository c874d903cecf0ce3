"""The verdicts in plain words: what each may mean, and what to do; what verification proves (docs/evidence.md)."""

from collections.abc import Mapping
from dataclasses import dataclass

from pi_sec_cam.evidence.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Explanation:
    """One verdict for people who have never heard of it.

    Attributes:
        title: a few words.
        means: how it comes about, in ordinary life and otherwise.
        do: what to do next; "" for nothing.
    """

    title: str
    means: str
    do: str = ""


EXPLANATIONS: Mapping[Verdict, Explanation] = {
    Verdict.WHOLE: Explanation("whole", "Every file is here, and each is exactly the one that the camera sent."),
    Verdict.DROPPED: Explanation(
        "given up by the camera",
        "The camera itself has signed that it could not send this: the store was out of reach for too long, it refused "
        "the file, or the owner deleted the event on the camera.",
        "Look on the camera's own disk: the clip may still be there.",
    ),
    Verdict.PRUNED: Explanation(
        "deleted by you", "Your own note says that you have deleted this (`pi-sec-cam prune`)."
    ),
    Verdict.OUTSIDE: Explanation(
        "not part of this",
        "It was not asked for or not downloaded. That says nothing against it, and nothing for it.",
        "To know whether it is still there, verify the store itself, or fetch it too.",
    ),
    Verdict.ABSENT: Explanation(
        "not here",
        "The camera has recorded more than what was looked at. It was not downloaded, or it was deleted; from here, "
        "nobody can tell which.",
        "Verify the store itself, or fetch all of it. If what is here is all that you wanted to know about, say so "
        "(`--only-here`).",
    ),
    Verdict.UNATTESTED: Explanation(
        "nobody vouches for it",
        "Nothing contradicts it, but no signed record says it. So it is with an event that runs or was interrupted "
        "(power cut, network gone) before its last records had left, and with everything if the camera's key was not "
        "given. It is also how it looks when the end was taken away.",
        "Fetch it again later; give the camera's key with `-p`; if you have noted a head of the camera, give it with "
        "`--head`.",
    ),
    Verdict.MISSING: Explanation(
        "missing",
        "The camera has signed that it sent this, and it is not here. It was deleted, or the download is not complete.",
        "Fetch it again. If it stays away, look for it among what was deleted (`pi-sec-cam fetch --deleted`) before "
        "the store forgets it.",
    ),
    Verdict.CUT: Explanation(
        "cut short",
        "It is shorter than what the camera sent. A download that broke off does that; so does somebody who cuts it.",
        "Fetch it again. If it stays short, it was cut in the store.",
    ),
    Verdict.SWAPPED: Explanation(
        "in another's place",
        "It has the content of another file of the same event: played so, the video would be in another order. "
        "That does not happen by itself.",
        "Fetch the event again. If it stays so, somebody has changed it in the store.",
    ),
    Verdict.REPLAYED: Explanation(
        "of another event",
        "In its place lies what the camera recorded at another time: old footage that passes for this. That does not "
        "happen by itself, unless somebody mixed up folders when copying.",
        "Fetch the event again into an empty folder. If it stays so, do not take it for what it says to be.",
    ),
    Verdict.ALTERED: Explanation(
        "changed",
        "Its content is not what the camera sent. A fault of a disk or of a transfer can do that; so can somebody.",
        "Fetch it again. If it stays so, do not rely on this file.",
    ),
    Verdict.FORGED: Explanation(
        "a false record",
        "A record claims to be the camera's, but its signature is wrong or it contradicts what the camera has signed: "
        "it was changed or made up. Damage by a disk or a transfer can look the same.",
        "Fetch the event's records again (evidence0.jsonl, …). If it stays so, rely on nothing that only they say.",
    ),
    Verdict.FOREIGN: Explanation(
        "not from this camera",
        "Nothing that this camera has signed speaks of it: somebody put it there, or another camera, or this one "
        "before or after it was installed anew with another key.",
        "If the camera was replaced or installed anew, give its other key too (`-p`, once more). Else do not take it "
        "for this camera's.",
    ),
}

PROVES = (
    "A file that is whole is, bit for bit, the one that was signed with the camera's key; nobody without that key can "
    "have made or changed it. That holds for sealed files as they are: nothing was opened for it.",
    "Of an event that is whole, no file is missing, and all are in their order.",
    "Until the time that is named as “whole until”, no event of the camera is missing without being named here.",
)

DOES_NOT_PROVE = (
    "That the key is the camera's. That rests on where you have it from: got from the camera itself before anything "
    "happened, it is good.",
    "What was signed after somebody had the camera in his hands, or its disk: its signing key is on it. Trust nothing "
    "from then on, and trust older things by a head, a stamp or a copy from before.",
    "That nothing was taken away after the last record that is here. A head that you have noted at home shows that.",
    "That the times are true: they are by the camera's clock, and the events say where nobody vouched for that clock.",
    "That what the camera saw was real: somebody may have held a picture in front of it.",
)
