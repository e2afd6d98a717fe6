"""A lane's camera for the benchmarks: real H.264 over RTSP by GStreamer, 1920 x 1080, 25 frames a second, each with the time of its capture in it.

`camera.py FRAMES` prints its port and serves /video until it is killed. FRAMES: raw I420 pictures, one behind the other (`approach.py --standing`); they are
shown forwards and backwards. Top left, 32 squares of SQUARE pixels, light for 1, tell the lower 32 bits of the machine's uptime in milliseconds when the
picture was handed to the encoder (CLOCK_BOOTTIME, which is the lane's clock), the highest bit first.
"""

import sys
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

WIDTH, HEIGHT, FPS, SQUARE = 1920, 1080, 25, 16
FRAME_BYTES = WIDTH * HEIGHT * 3 // 2
LAUNCH = (
    f"( appsrc name=frames is-live=true format=time do-timestamp=true caps=video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate={FPS}/1 ! "
    "x264enc tune=zerolatency key-int-max=50 speed-preset=ultrafast threads=1 bitrate=6000 ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)


def stamp(frame, milliseconds):
    row = b"".join((b"\xeb" if milliseconds >> (31 - bit) & 1 else b"\x10") * SQUARE for bit in range(32))
    for y in range(SQUARE):
        frame[y * WIDTH : y * WIDTH + len(row)] = row


def main():
    Gst.init(None)
    with open(sys.argv[1], "rb") as handle:
        raw = handle.read()
    frames = [raw[at : at + FRAME_BYTES] for at in range(0, len(raw) - FRAME_BYTES + 1, FRAME_BYTES)]
    frames += frames[-2:0:-1]
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_shared(True)
    factory.set_launch(LAUNCH)

    def configure(_factory, media):
        source = media.get_element().get_by_name("frames")
        shown = [0]

        def show():
            frame = bytearray(frames[shown[0] % len(frames)])
            shown[0] += 1
            stamp(frame, time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000 & 0xFFFFFFFF)
            return source.emit("push-buffer", Gst.Buffer.new_wrapped(bytes(frame))) == Gst.FlowReturn.OK

        GLib.timeout_add(1000 // FPS, show)

    factory.connect("media-configure", configure)
    server.get_mount_points().add_factory("/video", factory)
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
