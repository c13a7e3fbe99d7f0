"""A board for tests: system files in a folder, programs on PATH, and a real sshd in front."""

from board_standin.boards import KINDS, BoardKind, Rail
from board_standin.server import BoardServer, missing
from board_standin.tree import BoardTree, board_tree

__all__ = ["KINDS", "BoardKind", "BoardServer", "BoardTree", "Rail", "board_tree", "missing"]
