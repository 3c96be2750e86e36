"""What MSAL makes of every kind of no."""

from msal.exceptions import MsalServiceError

from stage import (
    ANA, CALLBACK, CLIENT_ID, DANA, GRACE, application, browse, calls, control, refresh, sign_in,
)


def a_decline_and_a_way_back_differ_only_in_the_number():
    declined = sign_in(application(), answer="decline")
    assert declined["error"] == "access_denied", declined
    assert declined["error_description"].startswith("AADSTS65004: "), declined
    # Dana may not consent to that, and follows the link back on "Need admin approval".
    blocked = sign_in(application("adatum.example"), person=DANA, answer="return")
    assert blocked == {"error": "access_denied"}, blocked


def a_consent_that_was_taken_away_is_told_by_a_refresh():
    app = application()
    sign_in(app)
    control("DELETE", f"grants?user={ANA}")
    result = refresh(app)
    assert (result["error"], result["suberror"]) == ("invalid_grant", "consent_required"), result
    assert result["classification"] == "consent_required", result
    assert result["error_codes"] == [65001]


def sessions_that_were_revoked_need_a_new_sign_in():
    app = application()
    sign_in(app)
    control("PATCH", f"tenants/contoso.example/users/{ANA}", {"revoke_sessions": True})
    result = refresh(app)
    assert (result["error"], result["error_codes"]) == ("invalid_grant", [50173]), result
    # MSAL keeps this sub-error to itself.
    assert (result["suberror"], result["classification"]) == ("bad_token", ""), result


def a_step_that_is_missing_is_asked_for_with_the_challenge():
    app = application()
    sign_in(app)
    control("POST", "faults", {"endpoint": "token", "refuse": {"code": 50076}})
    result = refresh(app)
    assert result["error"] == "interaction_required", result
    assert result["classification"] == "basic_action", result
    again = sign_in(app, claims_challenge=result["claims"])
    assert "access_token" in again, again


def an_account_of_another_tenant_gets_nowhere():
    app = application()
    flow = app.initiate_auth_code_flow(["User.Read"], redirect_uri=CALLBACK)
    ending = browse(flow["auth_uri"], GRACE)
    assert ending["page"]["code"] == "AADSTS50020", ending
    # A refresh token is not bound to a tenant, but its person is.
    sign_in(app)
    elsewhere = application("fabrikam.example", token_cache=app.token_cache)
    result = refresh(elsewhere)
    assert (result["error"], result["error_codes"]) == ("invalid_grant", [50020]), result


def an_application_that_the_tenant_switched_off_is_told_so():
    app = application()
    sign_in(app)
    path = f"tenants/contoso.example/applications/{CLIENT_ID}"
    control("PUT", path, {"service_principal": "disabled"})
    result = refresh(app)
    assert (result["error"], result["error_codes"]) == ("unauthorized_client", [7000112]), result


def an_outage_is_an_exception():
    app = application()
    sign_in(app)
    for status in (500, 503):
        control("POST", "faults", {"endpoint": "token", "status": status})
        # MSAL remembers a failure for some seconds; another client has not seen it.
        other = application(token_cache=app.token_cache)
        try:
            refresh(other)
        except MsalServiceError as error:
            assert str(status) in str(error), error
        else:
            raise AssertionError(f"MSAL took a {status}")


def every_refusal_on_the_way_back_reaches_the_application():
    app = application()
    for row in control("GET", "refusals"):
        for shape in ("documented", "observed"):
            refuse = {"code": row["code"], "shape": shape}
            control("POST", "faults", {"endpoint": "authorize", "refuse": refuse})
            told = sign_in(app)
            assert told["error"] == row[shape]["authorize"], (row, told)
            silent = shape == "observed" and row["observed_only_as_cancel"]
            description = told.get("error_description", "")
            assert description.startswith("" if silent else f"AADSTS{row['code']}: "), (row, told)


def every_refusal_of_a_refresh_reaches_the_application():
    app = application()
    sign_in(app)
    kept_to_itself = ("bad_token", "token_expired")
    for row in control("GET", "refusals"):
        control("POST", "faults", {"endpoint": "token", "refuse": {"code": row["code"]}})
        # MSAL remembers a refusal for a minute; another client has not seen it.
        other = application(token_cache=app.token_cache)
        try:
            result = refresh(other)
        except MsalServiceError:
            assert row["error_on_token"] == "temporarily_unavailable", row
            continue
        assert result["error"] == row["error_on_token"], (row, result)
        assert result["error_codes"] == [row["code"]], (row, result)
        assert result.get("suberror") == row["suberror"], (row, result)
        expected = "" if row["suberror"] in kept_to_itself else row["suberror"]
        assert result.get("classification") == expected, (row, result)
    assert "access_token" in refresh(application(token_cache=app.token_cache))


def the_names_of_an_account_are_looked_for_under_every_alias():
    app = application()
    sign_in(app)
    control("DELETE", f"grants?user={ANA}")
    refresh(app)
    # Only where MSAL thinks that it talks to Microsoft does it ask for the other names.
    under_microsofts_name = app.authority.instance == "login.microsoftonline.com"
    assert calls("discovery") == (1 if under_microsofts_name else 0)
