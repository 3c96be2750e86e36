"""People sign in, consent, and come back later."""

import json
import warnings

import msal
from msal.oauth2cli.oidc import decode_id_token

from stage import (
    ANA, BASE, CALLBACK, CLIENT_ID, CONTOSO, HOST, SECRET, UNDER_MICROSOFTS_NAME, application, browse, calls, control,
    graph, refresh, returned, session, sign_in,
)


def an_authority_is_discovered():
    for tenant in ("contoso.example", CONTOSO):
        authority = application(tenant).authority
        assert authority.instance == HOST
        # Asked by its domain or by its GUID, a tenant answers with its GUID.
        assert authority.tenant == CONTOSO, authority.tenant
        assert authority.authorization_endpoint == f"{BASE}/{CONTOSO}/oauth2/v2.0/authorize"
        assert authority.token_endpoint == f"{BASE}/{CONTOSO}/oauth2/v2.0/token"
    for tenant in ("organizations", "common"):
        assert application(tenant).authority.tenant == tenant
    try:
        application("nowhere.example")
    except ValueError as error:
        assert "double check your tenant name or GUID" in str(error), error
    else:
        raise AssertionError("MSAL took a tenant that does not exist")


def an_instance_that_nobody_knows_is_refused():
    if not UNDER_MICROSOFTS_NAME:
        return
    try:
        msal.ConfidentialClientApplication(
            CLIENT_ID,
            client_credential=SECRET,
            authority="https://login.attacker.example/contoso.example",
            http_client=session(),
        )
    except ValueError as error:
        assert "invalid_instance" in str(error), error
    else:
        raise AssertionError("MSAL took an instance that Microsoft does not know")
    assert calls("discovery") == 1


def a_person_signs_in_with_a_code_and_pkce():
    app = application("organizations")
    flow = app.initiate_auth_code_flow(["User.Read", "Mail.Read"], redirect_uri=CALLBACK)
    assert "code_challenge_method=S256" in flow["auth_uri"]
    back = returned(browse(flow["auth_uri"], ANA))
    result = app.acquire_token_by_auth_code_flow(dict(flow), back)
    assert result.get("token_source") == "identity_provider", result
    claims = result["id_token_claims"]
    assert (claims["oid"], claims["tid"]) == (ANA, CONTOSO)
    assert claims["preferred_username"] == "ana@contoso.example"
    assert claims["iss"] == f"{BASE}/{CONTOSO}/v2.0"
    assert set(result["scope"].split()) >= {"Mail.Read", "User.Read", "openid", "profile"}
    # MSAL leaves it to the application to look closer, and offers its old check.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        decode_id_token(
            result["id_token"], client_id=CLIENT_ID, issuer=claims["iss"], nonce=claims["nonce"]
        )
    # It keys its cache by `client_info`.
    (account,) = app.get_accounts()
    assert account["home_account_id"] == f"{ANA}.{CONTOSO}", account
    assert account["username"] == "ana@contoso.example"
    assert graph("me/mailFolders/inbox", result["access_token"]).status_code == 200
    again = app.acquire_token_by_auth_code_flow(dict(flow), back)
    assert again["error"] == "invalid_grant" and again["error_codes"] == [54005], again


def an_answer_may_come_as_a_form():
    app = application()
    flow = app.initiate_auth_code_flow(
        ["User.Read"], redirect_uri=CALLBACK, response_mode="form_post"
    )
    ending = browse(flow["auth_uri"], ANA)
    assert ending["form_post"]["action"] == CALLBACK
    result = app.acquire_token_by_auth_code_flow(flow, returned(ending))
    assert "access_token" in result, result


def a_forged_nonce_is_seen_through():
    control("POST", "faults", {"endpoint": "token", "forge": "wrong_nonce"})
    try:
        sign_in(application())
    except RuntimeError as error:
        assert "nonce" in str(error), error
    else:
        raise AssertionError("MSAL took another nonce")


def tokens_come_from_the_cache_until_a_refresh_is_forced():
    app = application()
    first = sign_in(app)
    (account,) = app.get_accounts()
    cached = app.acquire_token_silent(["Mail.Read"], account)
    assert cached["token_source"] == "cache", cached
    assert cached["access_token"] == first["access_token"]
    before = calls("token")
    fresh = app.acquire_token_silent(["Mail.Read"], account, force_refresh=True)
    assert fresh["token_source"] == "identity_provider", fresh
    assert fresh["access_token"] != first["access_token"]
    assert calls("token") == before + 1
    # More than was asked for at first is a new question, which no refresh can answer.
    more = refresh(app, ["Calendars.Read"])
    assert more["error"] == "invalid_grant" and more["suberror"] == "consent_required", more


def time_passes():
    app = application()
    first = sign_in(app)
    control("POST", "clock", {"advance_seconds": 3_600})
    assert graph("me", first["access_token"]).status_code == 401
    assert graph("me", refresh(app)["access_token"]).status_code == 200
    control("POST", "clock", {"advance_seconds": 91 * 24 * 3_600})
    late = refresh(app)
    assert late["error"] == "invalid_grant" and late["error_codes"] == [700082], late


def a_claims_challenge_is_taken_back_and_answered():
    app = application(client_capabilities=["CP1"])
    first = sign_in(app)
    assert first["expires_in"] > 24 * 3_600, first["expires_in"]
    challenge = json.dumps({"access_token": {"acrs": {"essential": True, "value": "c1"}}})
    again = refresh(app, claims_challenge=challenge)
    assert "access_token" in again, again
    answered = sign_in(app, claims_challenge=challenge)
    assert "access_token" in answered, answered
    # Something happens to Ana: the long token is worth nothing any more, and nor is the refresh token.
    control("PATCH", f"tenants/contoso.example/users/{ANA}", {"revoke_sessions": True})
    refused = graph("me", answered["access_token"])
    assert refused.status_code == 401
    assert "insufficient_claims" in refused.headers["WWW-Authenticate"]
