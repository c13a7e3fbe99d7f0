"""Boards over the system's ssh: programs, files and a lock, each failure one clear line."""

from edgeprune.deploy.ssh.board import FOLDER, Board, connect
from edgeprune.deploy.ssh.completed import Completed
from edgeprune.deploy.ssh.destination import Destination, parse_destination
from edgeprune.deploy.ssh.options import SshOptions
from edgeprune.deploy.ssh.transfer import Progress, Transfer

__all__ = [
    "FOLDER",
    "Board",
    "Completed",
    "Destination",
    "Progress",
    "SshOptions",
    "Transfer",
    "connect",
    "parse_destination",
]
