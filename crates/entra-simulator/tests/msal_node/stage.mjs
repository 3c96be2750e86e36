// The simulator as a scenario meets it: over TLS, with MSAL on one side and the control API on the other.
//
// `STAGE` in the environment says where it is and what it is called. Under Microsoft's name MSAL talks through a network
// client that connects to the simulator: name, certificate and paths are right, and MSAL cannot tell.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import https from "node:https";
import * as msal from "@azure/msal-node";

const SETTINGS = JSON.parse(process.env.STAGE);
export const BASE = SETTINGS.base_url;
/** Whether MSAL is to believe that this is Microsoft. */
export const UNDER_MICROSOFTS_NAME = new URL(BASE).hostname === "login.microsoftonline.com";
export const { ana: ANA, olga: OLGA, grace: GRACE, dana: DANA, contoso: CONTOSO, callback: CALLBACK } = SETTINGS;
const CA = readFileSync(SETTINGS.ca_file);

/** A request that ends at the simulator, whatever the name; the certificate still has to be that name's. */
function send(url, { method = "GET", headers = {}, body } = {}) {
  const { host, hostname, pathname, search } = new URL(url);
  const options = {
    host: SETTINGS.host, port: SETTINGS.port, servername: hostname, ca: CA, method, path: pathname + search,
    headers: { host, ...headers }, timeout: 10_000, agent: false,
  };
  return new Promise((resolve, reject) => {
    const request = https.request(options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (more) => { text += more; });
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    request.on("error", reject).on("timeout", () => request.destroy(new Error(`${url} did not answer`)));
    request.end(body);
  });
}

const forMsal = async (url, options, method) => {
  assert.equal(new URL(url).origin, BASE, `MSAL went to ${url}`);
  const { status, headers, text } = await send(url, { method, headers: options?.headers, body: options?.body });
  return { status, headers, body: JSON.parse(text) };
};
const networkClient = {
  sendGetRequestAsync: (url, options) => forMsal(url, options, "GET"),
  sendPostRequestAsync: (url, options) => forMsal(url, options, "POST"),
};

/** MSAL's settings for the story's application, as the README says. */
export function settings(tenant = "contoso.example", more = {}) {
  return {
    auth: {
      clientId: SETTINGS.client_id,
      clientSecret: SETTINGS.client_secret,
      authority: `${BASE}/${tenant}`,
      // Under a name that Microsoft never heard of, MSAL must not ask Microsoft about it. With the port.
      knownAuthorities: UNDER_MICROSOFTS_NAME ? [] : [new URL(BASE).host],
      ...more,
    },
    // Nothing of MSAL's own is replaced on this machine: it trusts the file that NODE_EXTRA_CA_CERTS names.
    system: UNDER_MICROSOFTS_NAME ? { networkClient } : {},
  };
}
export const application = (tenant, more) => new msal.ConfidentialClientApplication(settings(tenant, more));

const onThisMachine = (path) => `https://localhost:${SETTINGS.port}/${path}`;

/** A call of the control API, which has to work. */
export async function control(method, path, body) {
  const headers = { "content-type": "application/json" };
  const answer = await send(onThisMachine(`_control/${path}`), { method, headers, body: body && JSON.stringify(body) });
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.text ? JSON.parse(answer.text) : undefined;
}

/** A call of Microsoft Graph, which the simulator plays at the same place. */
export const graph = (path, token) => send(onThisMachine(`v1.0/${path}`), { headers: { authorization: `Bearer ${token}` } });

/** Walks the pages as somebody: where that ends. */
export const browse = (url, person, answer = "accept") => control("POST", "browse", { url, as: person, answer });

/** What comes back to the application, as a web framework would hand it on. */
export function returned(ending) {
  if (ending.form_post) return ending.form_post.fields;
  assert.ok(ending.redirect, `no way back: ${JSON.stringify(ending)}`);
  return Object.fromEntries(new URL(ending.redirect).searchParams);
}

/** The whole authorization code flow, with nothing but what MSAL sends by itself, and PKCE. */
export async function signIn(app, { person = ANA, scopes = ["User.Read", "Mail.Read"], answer, ...more } = {}) {
  const { verifier, challenge } = await new msal.CryptoProvider().generatePkceCodes();
  const asked = { scopes, redirectUri: CALLBACK, ...more };
  const url = await app.getAuthCodeUrl({ ...asked, codeChallenge: challenge, codeChallengeMethod: "S256" });
  const back = returned(await browse(url, person, answer));
  if (back.error) throw Object.assign(new Error(back.error_description), back);
  const { nonce } = more;
  return app.acquireTokenByCode({ ...asked, code: back.code, codeVerifier: verifier }, { code: back.code, nonce });
}

/** A refresh of whoever is signed in, whatever the cache holds. */
export async function refresh(app, scopes = ["Mail.Read"]) {
  const [account] = await app.getTokenCache().getAllAccounts();
  return app.acquireTokenSilent({ account, scopes, forceRefresh: true });
}

/** What a promise is refused with. */
export async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new assert.AssertionError({ message: "it was not refused" });
}
