// People sign in, consent, and come back later.
import assert from "node:assert/strict";
import * as msal from "@azure/msal-node";
import { ANA, BASE, CALLBACK, CONTOSO, application, browse, control, graph, refresh, refused, returned, signIn } from "./stage.mjs";

export default {
  async a_person_signs_in_with_what_msal_sends_by_itself() {
    for (const tenant of ["contoso.example", CONTOSO, "organizations", "common"]) {
      const app = application(tenant);
      const result = await signIn(app);
      const claims = result.idTokenClaims;
      assert.deepEqual([claims.oid, claims.tid, claims.nonce], [ANA, CONTOSO, undefined]);
      assert.equal(claims.iss, `${BASE}/${CONTOSO}/v2.0`);
      assert.equal(result.account.homeAccountId, `${ANA}.${CONTOSO}`);
      assert.equal(result.account.username, "ana@contoso.example");
      assert.ok(result.scopes.includes("Mail.Read"));
      assert.equal((await graph("me/messages", result.accessToken)).status, 200);
    }
  },

  async a_code_is_good_once_and_for_its_verifier() {
    const app = application();
    const { verifier, challenge } = await new msal.CryptoProvider().generatePkceCodes();
    const asked = { scopes: ["User.Read"], redirectUri: CALLBACK };
    const url = await app.getAuthCodeUrl({ ...asked, codeChallenge: challenge, codeChallengeMethod: "S256" });
    const { code } = returned(await browse(url, ANA));
    await app.acquireTokenByCode({ ...asked, code, codeVerifier: verifier });
    const again = await refused(app.acquireTokenByCode({ ...asked, code, codeVerifier: verifier }));
    assert.deepEqual([again.name, again.errorCode, String(again.errorNo)], ["ServerError", "invalid_grant", "54005"]);
  },

  async an_answer_may_come_as_a_form() {
    const result = await signIn(application(), { responseMode: "form_post" });
    assert.ok(result.accessToken);
  },

  async a_nonce_comes_back_and_a_forged_one_is_seen_through() {
    const app = application();
    const result = await signIn(app, { nonce: "n-0S6" });
    assert.equal(result.idTokenClaims.nonce, "n-0S6");
    await control("POST", "faults", { endpoint: "token", forge: "wrong_nonce" });
    const forged = await refused(signIn(app, { nonce: "n-0S6" }));
    assert.equal(forged.errorCode, "nonce_mismatch");
  },

  async tokens_come_from_the_cache_until_a_refresh_is_forced() {
    const app = application();
    const first = await signIn(app);
    const silent = { account: first.account, scopes: ["Mail.Read"] };
    const cached = await app.acquireTokenSilent(silent);
    assert.ok(cached.fromCache && cached.accessToken === first.accessToken);
    const fresh = await refresh(app);
    assert.ok(!fresh.fromCache && fresh.accessToken !== first.accessToken);
  },

  async a_token_that_is_as_new_as_a_revocation_is_good() {
    const app = application(undefined, { clientCapabilities: ["CP1"] });
    const before = await signIn(app);
    await control("PATCH", `tenants/contoso.example/users/${ANA}`, { revoke_sessions: true });
    const challenged = await graph("me", before.accessToken);
    assert.equal(challenged.status, 401);
    assert.match(challenged.headers["www-authenticate"], /insufficient_claims/);
    const after = await signIn(app);
    assert.equal((await graph("me", after.accessToken)).status, 200);
  },

  async time_passes() {
    const app = application();
    await signIn(app);
    await control("POST", "clock", { advance_seconds: 91 * 24 * 3_600 });
    const late = await refused(refresh(app));
    assert.ok(late instanceof msal.InteractionRequiredAuthError, late.stack);
    assert.deepEqual([late.errorCode, late.subError, String(late.errorNo)], ["invalid_grant", "bad_token", "700082"]);
  },
};
