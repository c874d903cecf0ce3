#!/usr/bin/python3
"""A network camera: serves one RTSP stream at /cam from GStreamer, on loopback; prints its port once it listens.

Runs under the system's Python, which has GStreamer's bindings. Either a live test pattern (a ball that moves over
noise) or, with --loop, an H.264 file that is played again and again.
"""

import argparse
import shlex
import socket
import subprocess

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

PATH = "/cam"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", default="0", help="0: any free one")
    parser.add_argument("--codec", choices=["h264", "h265", "mjpeg"], default="h264")
    parser.add_argument("--size", default="320x240")
    parser.add_argument("--rate", type=int, default=15)
    parser.add_argument("--gop", type=int, default=15, help="pictures from keyframe to keyframe")
    parser.add_argument("--b-frames", type=int, default=0)
    parser.add_argument("--headers-once", action="store_true", help="parameter sets in the SDP alone")
    parser.add_argument("--sound", action="store_true", help="G.711 beside the picture")
    parser.add_argument("--user", help="demands digest login")
    parser.add_argument("--password", default="")
    parser.add_argument("--loop", metavar="FILE", help="an MP4 with H.264")
    return parser.parse_args()


def live_pipeline(a: argparse.Namespace) -> str:
    width, height = a.size.split("x")
    source = (
        "videotestsrc is-live=true pattern=ball ! "
        f"video/x-raw,format=I420,width={width},height={height},framerate={a.rate}/1"
    )
    headers = 0 if a.headers_once else -1
    form = ",stream-format=avc" if a.headers_once else ""  # which has no room for parameter sets between pictures
    if a.codec == "h264":
        profile = "main" if a.b_frames else "constrained-baseline"
        reorder = f"bframes={a.b_frames} b-adapt=false rc-lookahead=5" if a.b_frames else "tune=zerolatency"
        coding = (
            f"x264enc speed-preset=veryfast key-int-max={a.gop} {reorder} ! video/x-h264,profile={profile} ! "
            f"h264parse ! video/x-h264{form} ! rtph264pay name=pay0 pt=96 config-interval={headers}"
        )
    elif a.codec == "h265":
        coding = (
            f"x265enc speed-preset=ultrafast tune=zerolatency key-int-max={a.gop} ! "
            f"h265parse ! rtph265pay name=pay0 pt=96 config-interval={headers}"
        )
    else:
        coding = "jpegenc ! rtpjpegpay name=pay0 pt=26"
    sound = "audiotestsrc is-live=true wave=ticks ! audioconvert ! mulawenc ! rtppcmupay name=pay1 pt=0"
    return f"( {source} ! {coding} {sound if a.sound else ''} )"


def looped_pipeline(file: str) -> str:
    """FFmpeg plays the file for ever into a UDP port of loopback; it ends with this process, however that ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    end_with_me = "setpriv --pdeathsig KILL"
    play = f"ffmpeg -nostdin -loglevel error -re -stream_loop -1 -i file:{shlex.quote(file)} -map 0:v -c copy -f mpegts"
    subprocess.Popen(shlex.split(f"{end_with_me} {play} udp://127.0.0.1:{port}?pkt_size=1316"))
    return (
        f"( udpsrc address=127.0.0.1 port={port} buffer-size=2000000 ! tsparse ! tsdemux ! queue ! "
        "h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
    )


def main() -> None:
    a = arguments()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(a.port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(looped_pipeline(a.loop) if a.loop else live_pipeline(a))
    factory.set_shared(True)
    if a.user:
        login = GstRtspServer.RTSPAuth()
        login.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        login.add_digest(a.user, a.password, token)
        server.set_auth(login)
        access = "viewer, media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
        factory.add_role_from_structure(Gst.Structure.new_from_string(access))
    server.get_mount_points().add_factory(PATH, factory)
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    # Lets Python see signals while GLib's loop runs in C.
    GLib.timeout_add(200, lambda: True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
