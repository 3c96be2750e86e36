"""The application proves who it is."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from stage import CLIENT_ID, SECRET, application, calls, control

DEFAULT = ["https://graph.microsoft.com/.default"]


def _install(how="present"):
    path = f"tenants/contoso.example/applications/{CLIENT_ID}"
    control("PUT", path, {"service_principal": how})


def _certificate():
    """A key and a certificate that it signed itself, as PEM, and the certificate's SHA-1."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example Mail")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    return private.decode(), public.decode(), certificate.fingerprint(hashes.SHA1()).hex()


def a_secret_is_enough():
    _install()
    app = application()
    first = app.acquire_token_for_client(DEFAULT)
    assert first["token_source"] == "identity_provider", first
    assert "refresh_token" not in first and "id_token" not in first
    assert app.acquire_token_for_client(DEFAULT)["token_source"] == "cache"


def a_certificate_is_better():
    _install()
    private, public, sha1 = _certificate()
    control("PATCH", f"applications/{CLIENT_ID}", {"certificates": [public]})
    # Today's form: PS256 and the SHA-256 of the certificate.
    modern = application(credential={"private_key": private, "public_certificate": public})
    assert "access_token" in modern.acquire_token_for_client(DEFAULT)
    # The older one: RS256 and the SHA-1.
    legacy = application(credential={"private_key": private, "thumbprint": sha1})
    assert "access_token" in legacy.acquire_token_for_client(DEFAULT)


def a_certificate_that_is_not_registered_is_refused():
    _install()
    private, public, sha1 = _certificate()
    for credential in (
        {"private_key": private, "public_certificate": public},
        {"private_key": private, "thumbprint": sha1},
    ):
        result = application(credential=credential).acquire_token_for_client(DEFAULT)
        assert (result["error"], result["error_codes"]) == ("invalid_client", [700027]), result


def a_wrong_secret_and_an_expired_one_are_the_applications_fault():
    _install()
    wrong = application(credential="wrong").acquire_token_for_client(DEFAULT)
    assert (wrong["error"], wrong["error_codes"]) == ("invalid_client", [7000215]), wrong
    control("PATCH", f"applications/{CLIENT_ID}", {"secrets": [], "expired_secrets": [SECRET]})
    expired = application().acquire_token_for_client(DEFAULT)
    assert (expired["error"], expired["error_codes"]) == ("invalid_client", [7000222]), expired


def a_tenant_has_to_have_the_application_and_to_leave_it_on():
    absent = application().acquire_token_for_client(DEFAULT)
    assert (absent["error"], absent["error_codes"]) == ("unauthorized_client", [700016]), absent
    _install("disabled")
    disabled = application().acquire_token_for_client(DEFAULT)
    assert (disabled["error"], disabled["error_codes"]) == ("unauthorized_client", [7000112])
    no_tenant = application("organizations").acquire_token_for_client(DEFAULT)
    assert no_tenant["error_codes"] == [50059], no_tenant


def it_is_throttled_as_long_as_it_was_told_to_be():
    _install()
    busy = {"error": "temporarily_unavailable", "error_description": "busy"}
    fault = {"endpoint": "token", "status": 429, "body": busy, "headers": {"Retry-After": "30"}}
    control("POST", "faults", fault)
    app = application()
    assert app.acquire_token_for_client(DEFAULT)["error"] == "temporarily_unavailable"
    asked = calls("token")
    # MSAL read `Retry-After`, and does not ask again before.
    assert app.acquire_token_for_client(DEFAULT)["error"] == "temporarily_unavailable"
    assert calls("token") == asked
    assert "access_token" in application().acquire_token_for_client(DEFAULT)
