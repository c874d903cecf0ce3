"""A slot for frames that forgets none, for tests of what decodes into it."""

from pi_sec_cam.media.frame import Frame, FrameSlot


class EveryFrame(FrameSlot):
    """A slot that also keeps all that was put into it, and has dealt with each at once."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[Frame] = []

    def put(self, frame: Frame) -> None:
        self.frames.append(frame)
        super().put(frame)
        self.done(len(self.frames))
