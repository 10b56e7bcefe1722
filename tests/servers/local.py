"""RabbitMQ and PostgreSQL from installed binaries, on free ports, with everything they write under one folder."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.servers.processes import ServerError, end, free_ports, kill, spawn, wait_until
from tests.servers.reach import Broker, Database, broker_answers, database_answers

REMEDY = "install rabbitmq-server and postgresql, or a Docker engine, or set TEST_AMQP_URI and its companions"
RABBIT_SCRIPT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # the one in PATH changes user and home


class LocalServers:
    """One broker and one database server as children of this process."""

    way = "local servers"

    def __init__(self, folder: Path) -> None:
        install_missing()
        self._folder = folder
        folder.chmod(0o711)  # the postgres account has to reach its data directory below
        self._postgres, self._rabbit, self._epmd = None, None, None
        password = secrets.token_hex(12)
        amqp, http, self._distribution, epmd, sql = free_ports(5)
        self.broker = Broker("127.0.0.1", amqp, http, "admin", password)
        self.database = Database("127.0.0.1", sql, "postgres", password)
        self._epmd_port = epmd
        self._prepare_rabbit()
        self._prepare_postgres()
        self._start_postgres()
        self.start_broker()
        wait_until(self._database_ready, "PostgreSQL")

    def start_broker(self) -> None:
        """Start RabbitMQ, with what it kept, and wait until it serves AMQP and management."""
        self._start_epmd()
        self._rabbit = spawn([str(RABBIT_SCRIPT)], log=self._folder / "rabbit.log", env=self._rabbit_env())
        wait_until(self._broker_ready, "RabbitMQ")

    def kill_broker(self) -> None:
        """kill -9: nothing is flushed, nobody is told."""
        kill(self._rabbit)

    def restart_broker(self) -> None:
        """An orderly stop and a start."""
        end(self._rabbit, signal.SIGTERM, patience=30)
        self.start_broker()

    def alarm_broker(self) -> None:
        """Memory above its mark: everything is above this one."""
        self._control("set_vm_memory_high_watermark", "0.00001")

    def calm_broker(self) -> None:
        """RabbitMQ's own default again."""
        self._control("set_vm_memory_high_watermark", "0.4")

    def _control(self, *command: str) -> None:
        tool = RABBIT_SCRIPT.with_name("rabbitmqctl")
        subprocess.run([str(tool), *command], env=self._rabbit_env(), check=True, capture_output=True, timeout=60)

    def stop(self) -> None:
        """Stop all and remove what they wrote."""
        if self._rabbit and self._rabbit.poll() is None:
            kill(self._rabbit)  # its data goes too: an orderly stop would only take time
        end(self._epmd, signal.SIGKILL)
        end(self._postgres, signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _prepare_rabbit(self) -> None:
        home = self._folder / "rabbit"
        home.mkdir()
        (self._folder / "enabled_plugins").write_text("[rabbitmq_management].\n", encoding="utf-8")
        settings = {
            "listeners.tcp.1": f"127.0.0.1:{self.broker.amqp_port}",
            "management.tcp.ip": "127.0.0.1",
            "management.tcp.port": self.broker.http_port,
            "default_user": self.broker.user,
            "default_pass": self.broker.password,
            "consumer_timeout": 600000,  # a policy says so where the broker is new enough (3.12)
            "log.console": "true",
            "log.file": "false",
            "disk_free_limit.absolute": "100MB",  # a laptop's disk may be nearly full; that is not under test
        }
        text = "".join(f"{key} = {value}\n" for key, value in settings.items())
        (self._folder / "rabbitmq.conf").write_text(text, encoding="utf-8")

    def _rabbit_env(self) -> dict[str, str]:
        home = str(self._folder / "rabbit")
        return {
            "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            "LANG": "C.UTF-8",
            "HOME": home,  # the Erlang cookie of this broker alone
            "RABBITMQ_NODENAME": f"aftersale{self.broker.amqp_port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": f"{home}/mnesia",
            "RABBITMQ_LOG_BASE": f"{home}/log",
            "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "enabled_plugins"),
            "RUNNING_UNDER_SYSTEMD": "1",  # the script then becomes the Erlang machine instead of waiting for it
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none",  # no busy waiting: two cores are shared with the tests
            **self._epmd_env(),
        }

    def _epmd_env(self) -> dict[str, str]:
        """A port mapper of our own: the system's would be started by us and stay behind, or know foreign nodes."""
        return {"ERL_EPMD_PORT": str(self._epmd_port), "ERL_EPMD_ADDRESS": "127.0.0.1"}

    def _start_epmd(self) -> None:
        if self._epmd is None or self._epmd.poll() is not None:
            env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), **self._epmd_env()}
            self._epmd = spawn(["epmd"], log=self._folder / "epmd.log", env=env)

    def _broker_ready(self) -> bool:
        self._refuse_if_dead(self._rabbit, "RabbitMQ", "rabbit.log")
        return broker_answers(self.broker)

    def _prepare_postgres(self) -> None:
        data, secret = self._folder / "postgres", self._folder / "postgres-password"
        data.mkdir()
        secret.write_text(self.database.password, encoding="utf-8")
        account = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            account = {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(data, "postgres", "postgres")
            shutil.chown(secret, "postgres")
        command = [postgres_binary("initdb"), "--username=postgres", f"--pwfile={secret}", "--auth=scram-sha-256"]
        command += ["--encoding=UTF8", "--locale=C.UTF-8", f"--pgdata={data}"]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False, **account)
        secret.unlink()
        if done.returncode:
            raise ServerError(f"initdb failed: {done.stderr.strip()}")

    def _start_postgres(self) -> None:
        settings = {
            "port": self.database.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 300,
            "shared_buffers": "256MB",
            "fsync": os.environ.get("TEST_FSYNC", "on"),
            "max_wal_size": "2GB",
        }
        options = [f"--{key}={value}" for key, value in settings.items()]
        command = [postgres_binary("postgres"), "-D", str(self._folder / "postgres"), *options]
        env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        self._postgres = spawn(command, log=self._folder / "postgres.log", env=env, user="postgres")

    def _database_ready(self) -> bool:
        self._refuse_if_dead(self._postgres, "PostgreSQL", "postgres.log")
        return database_answers(self.database)

    def _refuse_if_dead(self, process: subprocess.Popen, name: str, log: str) -> None:
        if process.poll() is not None:
            tail = (self._folder / log).read_text(encoding="utf-8", errors="replace")[-2000:]
            raise ServerError(f"{name} ended with status {process.returncode}:\n{tail}")


def postgres_binary(name: str) -> str:
    """The program of the newest PostgreSQL here: distributions keep the server programs out of PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    found = [folder / name for folder in folders if (folder / name).exists()]
    program = str(found[-1]) if found else shutil.which(name)
    if not program:
        raise ServerError(f"PostgreSQL's {name} is not installed: {REMEDY}")
    return program


def install_missing() -> None:
    """Get the servers from the distribution where they are missing and we may; else a `ServerError`."""
    missing = [] if RABBIT_SCRIPT.exists() else ["rabbitmq-server"]
    if not any(Path("/usr/lib/postgresql").glob("*/bin/initdb")) and not shutil.which("initdb"):
        missing.append("postgresql")
    if missing:
        apt_install(missing, REMEDY)


def apt_install(missing: list[str], remedy: str) -> None:
    """Get packages from the distribution, their services not started; a `ServerError` where that cannot be."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ServerError(f"{' and '.join(missing)} not installed: {remedy}")
    print(f"test servers: installing {' and '.join(missing)} with apt-get", file=sys.stderr, flush=True)
    refuse_start = Path("/usr/sbin/policy-rc.d")  # we start our own; the packages' services are not wanted
    ours = not refuse_start.exists()
    if ours:
        refuse_start.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        refuse_start.chmod(0o755)
    try:
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for step in (["update"], ["install", "-y", "--no-install-recommends", *missing]):
            done = subprocess.run(["apt-get", "-qq", *step], env=env, capture_output=True, text=True, check=False)
            if done.returncode:
                raise ServerError(f"apt-get {step[0]} failed: {done.stderr.strip()[-500:]}")
    finally:
        if ours:
            refuse_start.unlink()
