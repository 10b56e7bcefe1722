"""Settings of a process, read from the environment once; every variable may be given as NAME_FILE (secrets)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from environs import FileAwareEnv

from shared.kernel.calendar import UnknownZone, zone_named

SERVICES = ("order", "claim", "messaging", "refund", "notification")
SECRETS = (
    "database",
    "amqp_uri",
    "call_secret",
    "stripe_api_key",
    "stripe_webhook_secret",
    "paypal_client_secret",
    "jwt_secret",
    "mail_hook_secret",
    "link_secret",
)
HEX_KEY = re.compile(r"[0-9a-fA-F]{64}")
PRODUCTION, DEVELOPMENT = "production", "development"

PERCENT = re.compile(r"\d{1,2}(\.\d{1,2})?")


class SettingsRefused(ValueError):
    """A setting is missing or contradicts another: the message names it and the remedy."""


@dataclass(frozen=True)
class Settings:
    """Everything a service may be told. Secrets are never shown by repr (T15)."""

    mode: str = DEVELOPMENT
    data_dir: Path = Path("data")
    database: str | None = field(default=None, repr=False)
    pool_size: int = 10
    amqp_uri: str | None = field(default=None, repr=False)
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = "http://127.0.0.1:8000"
    call_secret: str = field(default="", repr=False)
    faults: str = ""  # rollback:0.05,handler:0.02 makes so many fail; for the chaos driver, refused in production
    virtual_clock: bool = False  # QA may travel ahead in time; refused in production
    time_zone: str = "Europe/Paris"  # of marketplaces that marketplace_time_zones does not name
    marketplace_time_zones: str = ""  # main=Europe/Paris,tokyo=Asia/Tokyo
    # messaging
    undo_seconds: int = 15  # in which a person takes back what he just sent in public; 0: none
    link_origins: str = ""  # where answer templates may link to beside PUBLIC_URL, separated by commas
    attachments: str = ""  # a folder or s3://bucket/prefix, of the gateway, messaging and mail-in; default: in DATA_DIR
    s3_endpoint: str = ""  # of a store that speaks S3 but is not Amazon's
    clamd: str = ""  # host:port or socket of ClamAV's daemon; none: files are checked by type only
    # the seller's issue rate (A16): orders with so many issues, of those placed in the window
    score_window_days: int = 90
    score_threshold_percent: str = "5"
    score_least_orders: int = 20
    score_issues_per_order: int = 1
    # notification
    mail: str = "folder"  # smtp | folder | off
    smtp_url: str = field(default="smtp://127.0.0.1:1025", repr=False)
    mail_domain: str = "aftersale.example"
    mail_from: str = "Aftersale <no-reply@aftersale.example>"
    relay_domain: str = ""  # receives answers by mail; without one nobody gets a masked address
    # mail-in
    smtp_port: int = 2525
    spool_dir: Path = Path("spool")
    imap_url: str = field(default="", repr=False)  # imaps://user:password@host/INBOX: read instead of, or beside, SMTP
    mail_hook_secret: str = field(default="", repr=False)  # two during a rotation, with a comma between
    mail_authserv: str = ""  # whose Authentication-Results are believed
    mail_relays: str = ""  # networks of the mail servers that write them, with commas between
    # refund
    stripe_api_key: str = field(default="", repr=False)
    stripe_api_base: str = "https://api.stripe.com"
    stripe_webhook_secret: str = field(default="", repr=False)
    paypal_client_id: str = ""
    paypal_client_secret: str = field(default="", repr=False)
    paypal_webhook_id: str = ""
    paypal_api_base: str = "https://api-m.paypal.com"
    provider_timeout: float = 10.0
    instant_provider: bool = False  # benchmarks only, refused in production
    # order (payment links)
    stripe_payments_webhook_secret: str = field(default="", repr=False)  # of /hooks/payments/stripe; else as above
    # seals what links carry: the same one for order, notification and gateway
    # gateway
    service_urls: dict[str, str] = field(default_factory=dict)
    call_secrets: dict[str, str] = field(default_factory=dict, repr=False)
    jwt_secret: str = field(default="", repr=False)
    jwks_url: str = ""
    jwt_issuer: str = "aftersale"
    jwt_audience: str = "aftersale-api"
    api_keys_file: str = ""
    link_secret: str = field(default="", repr=False)  # signs links to files and to payments; of all gateways the same
    rate_per_minute: int = 6000  # requests of one caller; 0 is no limit, as below
    rate_per_minute_address: int = 12_000
    rate_per_minute_tenant: int = 60_000
    case_file_key: str = field(default="", repr=False)  # Ed25519, 64 hexadecimal digits: signs case files
    trusted_proxies: int = 0  # in front of the gateway: whose X-Forwarded-For tells the address that is counted

    def __post_init__(self) -> None:
        if self.mode not in (PRODUCTION, DEVELOPMENT):
            raise SettingsRefused(f"MODE={self.mode}: use production or development")
        if self.mode == PRODUCTION and self.instant_provider:
            raise SettingsRefused("INSTANT_PROVIDER pays nobody: it is for benchmarks, unset it in production")
        if self.mode == PRODUCTION and self.faults:
            raise SettingsRefused("FAULTS makes work fail on purpose: it is for chaos tests, unset it in production")

        if self.case_file_key and not HEX_KEY.fullmatch(self.case_file_key):
            raise SettingsRefused("CASE_FILE_KEY: 64 hexadecimal digits, as `openssl rand -hex 32` prints them")

        if self.mode == PRODUCTION and self.virtual_clock:
            raise SettingsRefused("VIRTUAL_CLOCK lets callers move the time: it is for tests, unset it in production")
        self._zones()
        if not PERCENT.fullmatch(self.score_threshold_percent):
            raise SettingsRefused("SCORE_THRESHOLD_PERCENT: a number of per cent, as 5 or 2.5")
        if self.mode == PRODUCTION:
            self._refuse_development_secrets()

    def _refuse_development_secrets(self) -> None:
        """The secrets that everybody can read in the compose file must not guard anybody's money."""
        secrets = {name: getattr(self, name) for name in SECRETS} | {
            f"{service.upper()}_CALL_SECRET": secret for service, secret in self.call_secrets.items()
        }
        secrets["case_file_key"] = bytes.fromhex(self.case_file_key).decode("ascii", "replace")
        public = sorted(name.upper() for name, secret in secrets.items() if "development" in str(secret))
        if public:
            raise SettingsRefused(f"set your own {', '.join(public)}: these are the public ones of the example stack")

    def _zones(self) -> dict[str, ZoneInfo]:
        """The time zone of each marketplace that has one of its own; `` is that of the others."""
        try:
            zones = {"": zone_named(self.time_zone)}
            for part in filter(None, self.marketplace_time_zones.split(",")):
                marketplace, _, name = part.strip().partition("=")
                zones[marketplace] = zone_named(name)
        except UnknownZone as wrong:
            raise SettingsRefused(f"TIME_ZONE, MARKETPLACE_TIME_ZONES: {wrong}") from None
        return zones

    def zone(self, marketplace: str) -> ZoneInfo:
        """In whose days and hours this marketplace counts."""
        zones = self._zones()
        return zones.get(marketplace, zones[""])

    @property
    def production(self) -> bool:
        return self.mode == PRODUCTION

    def broker(self) -> str:
        """The URI of the broker; refused when there is none, since a service alone cannot be joined."""
        if not self.amqp_uri:
            raise SettingsRefused("AMQP_URI is missing: amqp://user:password@host:5672/vhost")
        return self.amqp_uri

    def database_url(self, service: str) -> str:
        """The service's own database: DATABASE_URL, or a SQLite file of its own in the data folder."""
        if self.database:
            return self.database.replace("{service}", service)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{self.data_dir / service}.db"

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the environment; all mistakes are told at once."""
        env = FileAwareEnv(eager=False)
        found: dict[str, Any] = {name: _read(env, name) for name in (f.name for f in fields(cls))}
        found["database"] = env.str("DATABASE_URL", default=None)
        found["service_urls"] = {s: env.str(f"{s.upper()}_URL", default="") for s in SERVICES}
        found["call_secrets"] = {s: env.str(f"{s.upper()}_CALL_SECRET", default="") for s in SERVICES}
        env.seal()
        return cls(**{name: value for name, value in found.items() if value is not None})


def _read(env: FileAwareEnv, name: str) -> object:
    """The variable of this name in the type of its default; None when it is not set."""
    variable, default = name.upper(), Settings.__dataclass_fields__[name].default
    if name in ("database", "service_urls", "call_secrets"):
        return None
    for type, read in ((bool, env.bool), (int, env.int), (float, env.float), (Path, env.path)):
        if isinstance(default, type):
            return read(variable, default=None)
    return env.str(variable, default=None)
