"""Who is believed: tokens and API keys, and nothing else (T11, T12)."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from services.gateway import api_keys, authentication, key_sets
from shared.kernel.principal import Principal
from shared.ops.settings import SettingsRefused
from tests.gateway.conftest import AUDIENCE, ISSUER, SECRET, token
from tests.suite import agent, customer, integrator, order_args, seller

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    base = {"iss": ISSUER, "aud": AUDIENCE, "nbf": now - 5, "exp": now + 600, **agent().claims(), **changes}
    return {name: value for name, value in base.items() if value is not None}


def hs256(key: str = SECRET, header: dict[str, Any] | None = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm="HS256", headers=header)


def unsigned() -> str:
    return jwt.encode(claims(), None, algorithm="none")


def altered() -> str:
    head, _, signature = hs256().split(".")
    forged = base64.urlsafe_b64encode(orjson.dumps(claims(role="platform_agent", tenant="other"))).rstrip(b"=").decode()
    return f"{head}.{forged}.{signature}"


def public_key_as_secret() -> str:
    """The algorithm confusion: an HMAC made with the public key that everybody may fetch."""
    import hmac

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    parts = [orjson.dumps({"alg": "HS256", "typ": "JWT", "kid": "rsa"}), orjson.dumps(claims())]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    mac = base64.urlsafe_b64encode(hmac.digest(pem, signed, "sha256")).rstrip(b"=")
    return (signed + b"." + mac).decode()


NOW = int(time.time())
BAD_TOKENS = {
    "no algorithm": unsigned,
    "none in capitals": lambda: unsigned().replace(
        unsigned().split(".")[0], base64.urlsafe_b64encode(b'{"alg":"NONE","typ":"JWT"}').rstrip(b"=").decode()
    ),
    "another secret": lambda: hs256("another-secret-of-somebody-else-altogether"),
    "an empty secret's worth": lambda: hs256(" " * 32),
    "an algorithm that is not on the list": lambda: jwt.encode(claims(), SECRET, algorithm="HS512"),
    "a public key taken for a secret": public_key_as_secret,
    "an altered body": altered,
    "a cut signature": lambda: hs256()[:-6],
    "no signature": lambda: hs256().rsplit(".", 1)[0] + ".",
    "expired": lambda: hs256(exp=NOW - 3600),
    "not valid yet": lambda: hs256(nbf=NOW + 3600),
    "no expiry": lambda: hs256(exp=None),
    "no beginning": lambda: hs256(nbf=None),
    "another audience": lambda: hs256(aud="another-api"),
    "no audience": lambda: hs256(aud=None),
    "another issuer": lambda: hs256(iss="https://evil.example"),
    "no issuer": lambda: hs256(iss=None),
    "no subject": lambda: hs256(sub=None),
    "its own key set": lambda: hs256(header={"jku": "https://evil.example/jwks.json"}),
    "its own certificate": lambda: hs256(header={"x5u": "https://evil.example/cert.pem"}),
    "its own key": lambda: hs256(header={"jwk": {"kty": "oct", "k": "c2VjcmV0"}}),
    "an extension nobody knows": lambda: hs256(header={"crit": ["exp2"], "exp2": 1}),
    "a role that is none": lambda: hs256(role="administrator"),
    "the role of the suite itself": lambda: hs256(role="system"),
    "no role": lambda: hs256(role=None),
    "no tenant": lambda: hs256(tenant=None),
    "a tenant that is no text": lambda: hs256(tenant=["shop"]),
    "a customer who is nobody": lambda: hs256(role="customer", party=None),
    "scopes that are none": lambda: hs256(scopes=["everything"]),
    "an expiry that is no number": lambda: hs256(exp="tomorrow"),
    "three words": lambda: "not.a.token",
    "one word": lambda: "token",
    "nothing": lambda: "",
    "too long": lambda: hs256(name="x" * 9000),
    "bytes": lambda: "\xff\xfe.\x80.\x81",
    "a token of the inside": lambda: jwt.encode(
        {**agent().claims(), "iss": "aftersale-gateway", "aud": "order", "iat": NOW, "exp": NOW + 60, "nbf": NOW},
        SECRET,
    ),
}


TOO_LONG = pytest.mark.joined_only("a server takes no header of more than 8 kB: it never comes this far")


@pytest.mark.capability("T11")
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=TOO_LONG) if kind == "too long" else kind for kind in BAD_TOKENS]
)
def test_a_bad_token_is_nobody(api_of, kind):
    api = api_of("order")
    response = api.call("GET", "/v1/me", headers={"Authorization": f"Bearer {BAD_TOKENS[kind]()}"})
    assert (response.status_code, response.json["code"]) == (401, "UNAUTHENTICATED")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert response.json["title"] == "Sign in again: the token is missing, expired or not ours."


def test_a_good_token_says_who_it_is(api_of):
    who = Principal("seller", "usr_1", "shop", party="sel_1", scopes=frozenset({"orders:read"}), name="Ada")
    found = api_of("order").get("/v1/me", who)
    assert found == {
        "role": "seller",
        "id": "usr_1",
        "tenant": "shop",
        "party": "sel_1",
        "name": "Ada",
        "scopes": ["orders:read"],
    }


def test_a_clock_may_be_a_minute_off(api_of):
    api = api_of("order")
    for changes in ({"exp": int(time.time()) - 30}, {"nbf": int(time.time()) + 30}):
        assert api.call("GET", "/v1/me", headers={"Authorization": f"Bearer {hs256(**changes)}"}).status_code == 200


@pytest.mark.capability("T12")
def test_no_header_names_a_user(api_of):
    """Headers that proxies and frameworks are known to believe: alone they are nobody, beside a token they change
    nothing."""
    api = api_of("order")
    order = api.post("/v1/orders", integrator(), order_args())
    forged = {
        "X-User": "agt_1",
        "X-User-Id": "agt_1",
        "X-Role": "platform_agent",
        "X-Roles": "platform_agent,coordinator",
        "X-Tenant": "shop",
        "X-Tenant-Id": "shop",
        "X-Party": "cus_1",
        "X-Principal": orjson.dumps(agent().claims()).decode(),
        "X-Forwarded-User": "agt_1",
        "X-Forwarded-Email": "agent@shop.example",
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Host": "internal",
        "X-Forwarded-Proto": "https",
        "X-Auth-Request-User": "agt_1",
        "X-Remote-User": "agt_1",
        "Remote-User": "agt_1",
        "X-Real-IP": "127.0.0.1",
        "X-Original-URL": "/livez",
        "X-Rewrite-URL": "/livez",
        "X-HTTP-Method-Override": "GET",
        "X-Request-Id": "agt_1-request-id",
        "Cookie": "session=agt_1; role=platform_agent",
    }
    path = f"/v1/orders/{order['id']}"
    assert api.call("GET", path, headers=forged).status_code == 401
    stranger = api.call("GET", path, customer("cus_2"), headers=forged)
    assert (stranger.status_code, stranger.json["code"]) == (404, "NOT_FOUND")
    assert api.get("/v1/me", customer("cus_2"), headers=forged)["role"] == "customer"


def test_two_credentials_are_none(api_of):
    headers = {"Authorization": f"Bearer {token(agent())}", "X-Api-Key": "aftersale_sk_1"}
    assert api_of("order").call("GET", "/v1/me", headers=headers).status_code == 401


def test_a_password_is_no_credential(api_of):
    basic = base64.b64encode(b"agt_1:secret").decode()
    assert api_of("order").call("GET", "/v1/me", headers={"Authorization": f"Basic {basic}"}).status_code == 401


# scopes


def test_a_narrowed_key_does_only_what_it_names(api_of):
    api = api_of("order")
    reader = Principal("integrator", "key_1", "shop", scopes=frozenset({"orders:read"}))
    assert api.get("/v1/orders", reader)["items"] == []
    problem = api.refused("POST", "/v1/orders", reader, "SCOPE_MISSING", body=order_args())
    assert (problem["status"], problem["details"]) == (403, {"scope": "orders:write"})


# API keys


@pytest.fixture
def keys(tmp_path):
    """A file of API keys; the function writes it."""
    path = tmp_path / "keys.json"

    def write(**entries: dict[str, Any]) -> str:
        listed = [
            {"sha256": hashlib.sha256(f"aftersale_sk_{name}".encode()).hexdigest(), **entry}
            for name, entry in entries.items()
        ]
        path.write_bytes(orjson.dumps(listed))
        return str(path)

    return write


SHOP = {"role": "integrator", "sub": "key_shop", "tenant": "shop", "scopes": ["orders:read", "orders:write"]}


def test_an_api_key_is_believed_in_either_header_until_it_expires(api_of, keys):
    past = "2020-01-01T00:00:00Z"
    path = keys(live={"principal": SHOP}, old={"principal": SHOP, "expires_at": past})
    api = api_of("order", api_keys_file=path)
    for headers in ({"Authorization": "Bearer aftersale_sk_live"}, {"X-Api-Key": "aftersale_sk_live"}):
        assert api.call("GET", "/v1/me", headers=headers).json["id"] == "key_shop"
    for wrong in ("aftersale_sk_old", "aftersale_sk_none", "aftersale_sk_", "live", token(agent())):
        assert api.call("GET", "/v1/me", headers={"X-Api-Key": wrong}).status_code == 401


def test_a_withdrawn_api_key_stops_working_without_a_restart(api_of, keys, monkeypatch):
    monkeypatch.setattr(api_keys, "LOOK_AGAIN", -1)
    api = api_of("order", api_keys_file=keys(one={"principal": SHOP}, two={"principal": SHOP}))
    assert api.call("GET", "/v1/me", headers={"X-Api-Key": "aftersale_sk_one"}).status_code == 200
    keys(two={"principal": SHOP})
    assert api.call("GET", "/v1/me", headers={"X-Api-Key": "aftersale_sk_one"}).status_code == 401
    assert api.call("GET", "/v1/me", headers={"X-Api-Key": "aftersale_sk_two"}).status_code == 200


# public keys


class Provider:
    """An identity provider's key set, counted; reached through the client that PyJWT uses."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {"rsa": RSA, "ec": EC, "ed": ED}
        self.fetched = 0

    def document(self) -> dict[str, Any]:
        self.fetched += 1
        return {"keys": [{**_jwk(key), "kid": kid, "use": "sig"} for kid, key in self.keys.items()]}


def _jwk(key: Any) -> dict[str, Any]:
    if isinstance(key, dict):
        return key
    kinds = ((rsa.RSAPrivateKey, RSAAlgorithm, "RS256"), (ec.EllipticCurvePrivateKey, ECAlgorithm, "ES256"))
    found = [(kind, name) for type, kind, name in kinds if isinstance(key, type)]
    kind, name = found[0] if found else (OKPAlgorithm, "EdDSA")
    return {**kind.to_jwk(key.public_key(), as_dict=True), "alg": name}


@pytest.fixture
def provider(monkeypatch):
    found = Provider()
    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", lambda client: found.document())
    return found


def signed(key: Any, algorithm: str, kid: str | None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers={"kid": kid} if kid else None)


def asked(api, bearer: str) -> int:
    return api.call("GET", "/v1/me", headers={"Authorization": f"Bearer {bearer}"}).status_code


URL = "https://id.shop.example/jwks.json"


@pytest.mark.joined_only("it plays the identity provider inside the process")
@pytest.mark.capability("T11")
def test_public_keys_are_taken_from_the_configured_address_and_for_their_own_algorithm(api_of, provider):
    provider.keys["hmac"] = {"kty": "oct", "k": base64.urlsafe_b64encode(SECRET.encode()).decode(), "alg": "HS256"}
    api = api_of("order", jwks_url=URL)
    for key, algorithm, kid in ((RSA, "RS256", "rsa"), (EC, "ES256", "ec"), (ED, "EdDSA", "ed")):
        assert asked(api, signed(key, algorithm, kid)) == 200, algorithm
    wrong = {
        "another's key under a known name": signed(OTHER_RSA, "RS256", "rsa"),
        "an algorithm that the key is not for": signed(RSA, "PS256", "rsa"),
        "a key of another kind": signed(EC, "ES256", "rsa"),
        "a secret among the public keys": signed(SECRET, "HS256", "hmac", sub=None),
        "no key named": signed(RSA, "RS256", None),
        "the public key as a secret": public_key_as_secret(),
        "expired": signed(RSA, "RS256", "rsa", exp=NOW - 3600),
    }
    assert {name: asked(api, bearer) for name, bearer in wrong.items()} == dict.fromkeys(wrong, 401)


def test_unknown_key_ids_do_not_make_us_ask_the_provider_each_time(api_of, provider):
    api = api_of("order", jwks_url=URL, jwt_secret="")
    for number in range(30):
        assert asked(api, signed(RSA, "RS256", f"unknown{number}")) == 401
    assert provider.fetched == 1
    assert asked(api, signed(RSA, "RS256", "rsa")) == 200


def test_without_a_secret_the_empty_one_opens_nothing(api_of, provider):
    api = api_of("order", jwks_url=URL, jwt_secret="")
    parts = [orjson.dumps({"alg": "HS256", "typ": "JWT"}), orjson.dumps(claims())]
    body = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts).decode()
    assert asked(api, f"{body}.") == 401
    assert asked(api, token(seller())) == 401


def test_a_provider_that_is_down_is_a_401_and_not_an_error(api_of, monkeypatch):
    def down(client):
        raise jwt.PyJWKClientConnectionError("connect to https://id.shop.example failed")

    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", down)
    api = api_of("order", jwks_url=URL)
    assert asked(api, signed(RSA, "RS256", "rsa")) == 401


def test_a_rotated_key_is_found_after_a_pause(api_of, provider, monkeypatch):
    monkeypatch.setattr(key_sets, "COOLDOWN", -1)
    monkeypatch.setattr(authentication, "BELIEVED", -1)
    api = api_of("order", jwks_url=URL)
    assert asked(api, signed(RSA, "RS256", "rsa")) == 200
    provider.keys = {"next": OTHER_RSA}
    assert asked(api, signed(OTHER_RSA, "RS256", "next")) == 200
    assert asked(api, signed(RSA, "RS256", "rsa")) == 401


def test_a_token_is_believed_no_longer_than_it_lives(api_of):
    api = api_of("order")
    expires = int(time.time()) - 55  # within the minute that clocks may differ
    assert asked(api, hs256(exp=expires)) == 200
    ((until, _),) = api.gateway._authentication._believed.values()
    assert until == expires + 60


@pytest.mark.parametrize(
    ("settings", "variable"),
    [
        ({"jwt_secret": ""}, "JWT_SECRET"),
        ({"jwt_secret": "changeme"}, "JWT_SECRET"),
        ({"jwks_url": "http://id.shop.example/jwks.json", "mode": "production"}, "JWKS_URL"),
    ],
)
def test_a_gateway_that_the_wrong_people_could_enter_does_not_start(api_of, settings, variable):
    with pytest.raises(SettingsRefused, match=variable):
        api_of("order", **settings)


def test_a_broken_file_of_keys_stops_the_start(api_of, tmp_path):
    path = tmp_path / "keys.json"
    path.write_text('[{"sha256": "ab"}]')
    with pytest.raises(SettingsRefused, match="API_KEYS_FILE"):
        api_of("order", api_keys_file=str(path))
