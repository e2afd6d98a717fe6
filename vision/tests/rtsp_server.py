"""An RTSP server of real H.264, by GStreamer, for vision/tests/live.rs: prints its port, then serves /video until it is killed.

Usage: rtsp_server.py PICTURE [USER PASSWORD]. The picture is shown at 25 frames a second, with a corner of snow so that no two frames
are the same. Orders, a line each on standard input: `drop` ends every session, `size WIDTH HEIGHT` changes the size within the stream.
"""

import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402


def caps(width, height):
    return Gst.Caps.from_string(f"video/x-raw,format=I420,width={width},height={height},framerate=25/1")


def launch(picture):
    return (
        "( compositor name=both ! videoconvert ! videoscale ! capsfilter name=size ! clocksync ! "
        "x264enc tune=zerolatency key-int-max=25 speed-preset=ultrafast bitrate=4000 ! rtph264pay name=pay0 pt=96 config-interval=-1 "
        f'filesrc location="{picture}" ! jpegdec ! imagefreeze ! videoconvert ! videoscale ! video/x-raw,width=800,height=600,framerate=25/1 ! both. '
        "videotestsrc pattern=snow ! video/x-raw,width=32,height=32,framerate=25/1 ! both. )"
    )


def obey(line, server, filters, size):
    words = line.split()
    if words[:1] == ["drop"]:
        server.client_filter(lambda _server, _client: GstRtspServer.RTSPFilterResult.REMOVE)
    elif words[:1] == ["size"]:
        size[:] = words[1:]
        for one in filters:
            one.set_property("caps", caps(*size))
    return False


def main():
    Gst.init(None)
    filters, size = [], [800, 600]
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_shared(True)
    factory.set_launch(launch(sys.argv[1]))

    def configure(_factory, media):
        one = media.get_element().get_by_name("size")
        one.set_property("caps", caps(*size))
        filters[:] = [one]

    factory.connect("media-configure", configure)
    if len(sys.argv) > 3:
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "guard")
        auth = GstRtspServer.RTSPAuth()
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(sys.argv[2], sys.argv[3]), token)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("guard", "media.factory.access", True)
        permissions.add_permission_for_role("guard", "media.factory.construct", True)
        factory.set_permissions(permissions)
        server.set_auth(auth)
    server.get_mount_points().add_factory("/video", factory)
    server.attach(None)
    print(server.get_bound_port(), flush=True)

    def listen():
        for line in sys.stdin:
            GLib.idle_add(obey, line, server, filters, size)

    threading.Thread(target=listen, daemon=True).start()
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
