"""Postfix and Dovecot as people's mail provider: real mailboxes."""

from __future__ import annotations

import os
import shutil
import signal
import smtplib
import socket
import subprocess
from pathlib import Path

from tests.servers.local import apt_install
from tests.servers.processes import ServerError, end, free_ports, spawn, wait_until

AUTHSERV = "mx.example"
PASSWORD = "secret"
ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
REMEDY = "install postfix and dovecot-imapd, or run as root where apt-get can"

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log/postfix.log
maillog_file_prefixes = {folder}/log
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = {authserv}
mydestination =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = regexp:{folder}/domains
virtual_mailbox_maps = texthash:{folder}/mailboxes
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
transport_maps = inline:{{ {relay}=smtp:[127.0.0.1]:{mail_in} }}
relay_domains = {relay}
smtpd_sender_restrictions = check_sender_access regexp:{folder}/senders
smtpd_client_connection_rate_limit = 0
smtpd_reject_unlisted_recipient = no
message_size_limit = 30000000
minimal_backoff_time = 2s
queue_run_delay = 2s
"""
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
DOVECOT = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log/dovecot.log
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail/%d/%n
first_valid_uid = 1
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={folder}/mail/%d/%n
}}
"""


class MailServers:
    """What is written to nobody is taken, and reported to its sender afterwards, as big providers do.

    smtp: where anybody hands mails in, and the domain's MX. imap: where each address reads its own.

    relay: the domain whose mail goes to `mail_in`, a port; postfix says of every mail whose domain sent it. addresses:
    who has a mailbox, with PASSWORD.
    """

    def __init__(self, folder: Path, relay: str, mail_in: int, addresses: list[str]) -> None:
        missing = [
            name for name, program in (("postfix", "postfix"), ("dovecot-imapd", "dovecot")) if not _has(program)
        ]
        if missing:
            apt_install(missing, REMEDY)
        if os.geteuid() != 0:
            raise ServerError(f"mail servers deliver as root: {REMEDY}")
        self.folder = folder
        self.smtp, self.imap = free_ports(2)
        for name in ("postfix", "queue", "data", "log", "mail", "run"):
            (folder / name).mkdir()
        (folder / "mail").chmod(0o777)
        shutil.chown(folder / "data", "postfix")
        self._write(relay, mail_in, addresses)
        postfix = str(shutil.which("postfix", path=ENV["PATH"]))
        subprocess.run([postfix, "-c", str(folder / "postfix"), "check"], env=ENV, capture_output=True, check=False)
        self._postfix = spawn([postfix, "-c", str(folder / "postfix"), "start-fg"], log=folder / "start.log", env=ENV)
        dovecot = str(shutil.which("dovecot", path=ENV["PATH"]))
        self._dovecot = spawn([dovecot, "-F", "-c", str(folder / "dovecot.conf")], log=folder / "start.log", env=ENV)
        wait_until(self._answers, "Postfix and Dovecot")

    def stop(self) -> None:
        postfix = str(shutil.which("postfix", path=ENV["PATH"]))  # its master is not the process that was started
        subprocess.run([postfix, "-c", str(self.folder / "postfix"), "stop"], env=ENV, capture_output=True, check=False)
        end(self._postfix, signal.SIGTERM)
        end(self._dovecot, signal.SIGTERM)

    def _write(self, relay: str, mail_in: int, addresses: list[str]) -> None:
        daemons = next(path for path in ("/usr/lib/postfix/sbin", "/usr/libexec/postfix") if Path(path).is_dir())
        values = {"folder": self.folder, "daemons": daemons, "authserv": AUTHSERV, "relay": relay, "mail_in": mail_in}
        texts = {
            "postfix/main.cf": MAIN.format(**values),
            "postfix/master.cf": MASTER.format(port=self.smtp),
            "domains": "/^[a-z0-9]+\\.example$/ ok\n",
            "mailboxes": "".join(f"{each} {_folder(each)}/\n" for each in addresses),
            "senders": f"/@(.+)$/ PREPEND Authentication-Results: {AUTHSERV}; spf=pass smtp.mailfrom=$1\n",
            "dovecot.conf": DOVECOT.format(folder=self.folder, port=self.imap, password=PASSWORD),
        }
        for name, text in texts.items():
            (self.folder / name).write_text(text, encoding="utf-8")

    def _answers(self) -> bool:
        for process in (self._postfix, self._dovecot):
            if process.poll() is not None:
                logs = [path.read_text(errors="replace")[-1500:] for path in self.folder.rglob("*.log")]
                raise ServerError("a mail server ended:\n" + "\n".join(logs))
        try:
            with smtplib.SMTP("127.0.0.1", self.smtp, timeout=2), socket.create_connection(("127.0.0.1", self.imap), 2):
                return True
        except (OSError, smtplib.SMTPException):
            return False


def _folder(address: str) -> str:
    name, _, domain = address.partition("@")
    return f"{domain}/{name}"


def _has(program: str) -> bool:
    return shutil.which(program, path=ENV["PATH"]) is not None
