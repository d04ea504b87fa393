"""Runs ministack until it is told to stop, or until standard input ends: then whoever started it is gone, however it went."""

import os
import signal
import threading

# How long it may take to shut down, in seconds.
SHUTDOWN_SECONDS_MAX = 5.0
# Read without Python's buffer, whose lock a thread that waits would hold at the end.
STANDARD_INPUT = 0


def end_with_standard_input():
    while os.read(STANDARD_INPUT, 4096):
        pass
    threading.Timer(SHUTDOWN_SECONDS_MAX, os._exit, args=[1]).start()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=end_with_standard_input, daemon=True).start()
    from ministack.app import main

    main()
