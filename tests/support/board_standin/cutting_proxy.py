"""Goes between ssh and sshd (`ProxyCommand`), and cuts or stalls after so many bytes to the board.

Usage: cutting_proxy.py HOST PORT BYTES cut|stall
"""

from __future__ import annotations

import os
import selectors
import socket
import sys
import time


def main() -> None:
    """Relay both ways until the limit."""
    host, port, limit, how = sys.argv[1:]
    board = socket.create_connection((host, int(port)))
    left = int(limit)
    waiting = selectors.DefaultSelector()
    waiting.register(0, selectors.EVENT_READ)
    waiting.register(board, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            if key.fileobj is board:
                data = board.recv(65536)
                _write(1, data)
            else:
                data = os.read(0, 65536)[:left]
                left -= len(data)
                board.sendall(data)
            if not data or left <= 0:
                _end(board, how if left <= 0 else "cut")


def _end(board: socket.socket, how: str) -> None:
    if how == "stall":
        time.sleep(60)  # as a cable that was pulled: nobody hears anything
    board.close()
    sys.exit(0)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


main()
