"""A real sshd on loopback, whose sessions see a board's folder as their machine."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from board_standin.processes import children_of, kill, with_variable
from board_standin.tree import BoardTree

_SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
_PATIENCE_S = 10.0

# The key exchange is the cheapest: each test logs in anew.
_CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
KexAlgorithms curve25519-sha256
PidFile none
AuthorizedKeysFile {folder}/user_key.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
PermitUserRC no
PrintMotd no
MaxStartups 50
SetEnv HOME={home}
ForceCommand {folder}/login
"""

# The session's own environment comes from here and from nowhere else. A board has a processor of
# its own: where that is allowed, its programs go before what else runs on this machine.
_LOGIN = """\
#!/bin/sh
export HOME='{tree.home}' EDGEPRUNE_ROOT='{tree.root}' BOARD_STANDIN='{tree.root}'
export PATH='{tree.programs}':/usr/local/bin:/usr/bin:/bin
export PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1
cd "$HOME" || exit 1
renice -n -10 -p $$ >/dev/null 2>&1
exec sh -c "$SSH_ORIGINAL_COMMAND"
"""


def missing() -> str:
    """Why no board can be stood in for here; empty where one can."""
    if _SSHD is None:
        return "sshd is not installed (apt install openssh-server)"
    return "" if shutil.which("ssh") else "ssh is not installed (apt install openssh-client)"


@dataclass
class BoardServer:
    """sshd for one board.

    Attributes:
        folder: for keys and configuration, outside the board.
        tree: what the sessions see.
        port: on 127.0.0.1.
    """

    folder: Path
    tree: BoardTree
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """What `--host` takes."""
        return f"127.0.0.1:{self.port}"

    @property
    def config(self) -> Path:
        """An ssh configuration (`-F`) with the user's key and the board's host key."""
        return self.folder / "ssh_config"

    @property
    def known_hosts(self) -> Path:
        """What this configuration takes for the board's host key."""
        return self.folder / "known_hosts"

    def make_key(self, name: str) -> Path:
        """A fresh key; `.pub` beside it."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return path

    def start(self) -> None:
        """Write keys and configuration where they are missing, and listen."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "host_key").exists():
            self.port = _free_port()
            self._write_files()
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd drops privileges to
        assert _SSHD is not None, missing()
        with (self.folder / "sshd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [_SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")],
                stdin=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        self._await_listening()

    def stop(self) -> None:
        """End sshd, its sessions, and whatever these started."""
        process, self._process = self._process, None
        if process is None:
            return
        doomed = [*children_of(process.pid), *self.processes()]
        process.kill()
        kill(doomed, signal.SIGKILL)
        process.wait()
        kill(self.processes(), signal.SIGKILL)  # what was started meanwhile

    def reboot(self, down_s: float = 1.0) -> None:
        """What a board does without power: everything ends, and ports are refused for a while."""
        self.stop()
        time.sleep(down_s)
        self.start()

    def change_host_key(self) -> None:
        """Become another machine at the same address, as after flashing."""
        self.stop()
        self.make_key("host_key")
        self.start()

    def trust(self) -> None:
        """Let the configuration know the host key of now."""
        public = (self.folder / "host_key.pub").read_text()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public}")

    def processes(self, words: Sequence[str] = ()) -> list[int]:
        """The board's processes, that have all these words as arguments."""
        return with_variable("BOARD_STANDIN", str(self.tree.root), words)

    def await_end(self, words: Sequence[str] = (), patience_s: float = _PATIENCE_S) -> bool:
        """Whether these processes end in time."""
        until_s = time.monotonic() + patience_s
        while self.processes(words):
            if time.monotonic() > until_s:
                return False
            time.sleep(0.02)
        return True

    def _write_files(self) -> None:
        self.make_key("host_key")
        self.make_key("user_key")
        values = {"port": self.port, "folder": self.folder, "home": self.tree.home}
        (self.folder / "sshd_config").write_text(_CONFIG.format(**values), encoding="utf-8")
        login = self.folder / "login"
        login.write_text(_LOGIN.format(tree=self.tree), encoding="utf-8")
        login.chmod(0o755)
        self.config.write_text(
            f"IdentityFile {self.folder}/user_key\nIdentitiesOnly yes\nIdentityAgent none\n"
            f"UserKnownHostsFile {self.known_hosts}\nGlobalKnownHostsFile /dev/null\n"
        )
        self.trust()

    def _await_listening(self) -> None:
        assert self._process is not None
        until_s = time.monotonic() + _PATIENCE_S
        while not _answers(self.port):
            if self._process.poll() is not None or time.monotonic() > until_s:
                raise RuntimeError((self.folder / "sshd.log").read_text())
            time.sleep(0.02)


def _answers(port: int) -> bool:
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
