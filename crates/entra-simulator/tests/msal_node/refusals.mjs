// What Microsoft refuses, and what MSAL makes of it.
import assert from "node:assert/strict";
import * as msal from "@azure/msal-node";
import { ANA, DANA, UNDER_MICROSOFTS_NAME, application, control, refresh, refused, settings, signIn } from "./stage.mjs";

const told = ({ name, errorCode, subError, errorNo }) => [name, errorCode, subError ?? "", String(errorNo)];

export default {
  async a_declined_consent_comes_back_as_such() {
    const error = await refused(signIn(application(), { answer: "decline" }));
    assert.deepEqual([error.error, error.error_subcode], ["access_denied", "cancel"]);
    assert.match(error.message, /^AADSTS65004/);
  },

  async who_needs_an_administrator_comes_back_with_nothing() {
    const error = await refused(signIn(application("adatum.example"), { person: DANA, answer: "return" }));
    assert.deepEqual([error.error, error.error_subcode], ["access_denied", "cancel"]);
  },

  async a_consent_that_was_withdrawn_asks_for_the_person() {
    const app = application();
    await signIn(app);
    await control("DELETE", "grants?tenant=contoso.example");
    const error = await refused(refresh(app));
    assert.deepEqual(told(error), ["InteractionRequiredAuthError", "invalid_grant", "consent_required", "65001"]);
  },

  async a_session_that_was_revoked_asks_for_the_person() {
    const app = application();
    await signIn(app);
    await control("PATCH", `tenants/contoso.example/users/${ANA}`, { revoke_sessions: true });
    const error = await refused(refresh(app));
    assert.deepEqual(told(error), ["InteractionRequiredAuthError", "invalid_grant", "bad_token", "50173"]);
  },

  async a_second_factor_asks_for_the_person_with_claims() {
    const app = application();
    await signIn(app);
    await control("POST", "faults", { endpoint: "token", refuse: { code: 50076 } });
    const error = await refused(refresh(app));
    assert.equal(error.name, "InteractionRequiredAuthError");
    assert.deepEqual([error.subError, String(error.errorNo)], ["basic_action", "50076"]);
    assert.ok(JSON.parse(error.claims).access_token, error.claims);
  },

  async a_wrong_secret_is_the_applications_fault() {
    const app = application(undefined, { clientSecret: "wrong" });
    const error = await refused(app.acquireTokenByClientCredential({ scopes: ["https://graph.microsoft.com/.default"] }));
    assert.deepEqual(told(error), ["ServerError", "invalid_client", "", "7000215"]);
  },

  async a_tenant_that_does_not_exist_is_not_found() {
    // Under Microsoft's own name MSAL knows the addresses, and asks nobody whether there is such a tenant.
    if (UNDER_MICROSOFTS_NAME) return;
    const error = await refused(signIn(application("nowhere.example")));
    assert.equal(error.errorCode, "endpoints_resolution_error");
  },

  async no_device_code_is_given_and_that_is_understood() {
    const { auth, system } = settings();
    const { clientSecret: _, ...known } = auth;
    const app = new msal.PublicClientApplication({ auth: known, system });
    const asked = app.acquireTokenByDeviceCode({ scopes: ["User.Read"], deviceCodeCallback: () => {} });
    // MSAL does not look whether it got a code: it goes on with none, and tells what that comes to.
    const error = await refused(asked);
    assert.equal(error.errorCode, "post_request_failed", error.stack);
    assert.match(error.message, /invalid_client$/);
  },
};
