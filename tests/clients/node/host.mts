// A small product with Assent built in, on the published descriptions alone: HTTP, JWTs and NATS. It keeps everything in
// memory; what concerns Assent is whole. The numbers are the steps of the README's "Integrate it".
import { createPrivateKey, createPublicKey, randomUUID, webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import express, { type Request, type Response } from 'express';
import * as jose from 'jose';
import * as oidc from 'openid-client';
import { KnownPermissions, Refusal } from './known_permissions.mjs';

globalThis.crypto ??= webcrypto as Crypto; // Node 18 does not have it there.

const setting = (name: string) => process.env[name] ?? fail(`${name} is not set`);
const fail = (why: string): never => { throw new Error(why); };
const [GATEWAY, LOGIN_HOOK, GRAPH] = [setting('HOST_GATEWAY_URL'), setting('HOST_LOGIN_HOOK_URL'), setting('HOST_GRAPH_URL')];
const [MICROSOFT, OWN_URL] = [setting('HOST_MICROSOFT_AUTHORITY'), setting('HOST_PUBLIC_URL')];

// Our customers and their users: a table of the database. Ids are our own, and never e-mail addresses.
interface User { id: string; account: string; name: string; microsoft?: string; superAdmin?: boolean }
const TENANTS: Record<string, string> = { acme: 'c0000000-0000-4000-8000-000000000001' };
const USERS: User[] = [
  { id: 'ana', account: 'acme', name: 'Ana Alvarez', microsoft: 'c0000000-0000-4000-8000-0000000000a1' },
  { id: 'ben', account: 'acme', name: 'Ben Baker', microsoft: 'c0000000-0000-4000-8000-0000000000b1' },
  { id: 'olga', account: 'acme', name: 'Olga Orlova', microsoft: 'c0000000-0000-4000-8000-0000000000c1', superAdmin: true },
];

// 1. Sign tokens, each for a minute, and publish the key.
const pem = readFileSync(setting('HOST_SIGNING_KEY_FILE'), 'utf8'); // PKCS#8, P-256
const key = createPrivateKey(pem);
const published = await jose.exportJWK(createPublicKey(pem));
const kid = await jose.calculateJwkThumbprint(published);

const token = (claims: jose.JWTPayload) => new jose.SignJWT(claims)
  .setProtectedHeader({ alg: 'ES256', kid })
  .setIssuer(OWN_URL).setAudience('assent').setIssuedAt().setExpirationTime('1m').setJti(randomUUID())
  .sign(key);
const userToken = (user: User) => token({
  sub: user.id, account: user.account, name: user.name, // the user and their company, by your ids
  ...(user.superAdmin && { roles: ['super_admin'], permissions: ['company_settings:manage'] }),
});
const serviceToken = (scope: string) => token({ sub: 'host', scope });

async function call(url: string, bearer: string, body?: object) {
  const answer = await fetch(url, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(Number(process.env.HOST_LOGIN_DEADLINE_MS ?? 1_500)),
  });
  const said: any = await answer.json();
  if (!answer.ok) throw new Refusal(said.code, said.detail); // RFC 9457: application/problem+json
  return said;
}

// Sessions, by a cookie. What a sign-in at Microsoft has to match is kept in them, too.
interface Session { user?: User; notice?: string; pending?: { verifier: string; state: string; nonce: string; tenant: string } }
const sessions = new Map<string, Session>();
function session(req: Request, res: Response): Session {
  const named = /(?:^|; )host=([\w-]+)/.exec(req.headers.cookie ?? '')?.[1];
  const found = named && sessions.get(named);
  if (found) return found;
  const [name, fresh] = [randomUUID(), {}];
  sessions.set(name, fresh);
  res.cookie('host', name, { httpOnly: true, sameSite: 'lax', secure: OWN_URL.startsWith('https:') });
  return fresh;
}

// 2. Sign people in, as you do already: OpenID Connect, under an application of your own at Microsoft.
const CALLBACK = `${OWN_URL}/sign-in/microsoft/callback`;
const microsoft = (tenant: string) => oidc.discovery(
  new URL(`${MICROSOFT}/${tenant}/v2.0`), setting('HOST_MICROSOFT_CLIENT_ID'), undefined,
  oidc.ClientSecretPost(setting('HOST_MICROSOFT_CLIENT_SECRET')),
  { execute: MICROSOFT.startsWith('http:') ? [oidc.allowInsecureRequests] : [] }, // the simulator, on this machine
);

async function signIn(req: Request, res: Response) {
  const tenant = TENANTS[String(req.params.account)];
  if (!tenant) return void res.status(404).send('No such company.');
  const pending = { verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce(), tenant };
  session(req, res).pending = pending;
  res.redirect(303, oidc.buildAuthorizationUrl(await microsoft(tenant), {
    redirect_uri: CALLBACK, scope: 'openid profile', state: pending.state, nonce: pending.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(pending.verifier), code_challenge_method: 'S256',
  }).href);
}

async function signedIn(req: Request, res: Response) {
  const visitor = session(req, res);
  const pending = visitor.pending ?? fail('no sign-in was begun in this browser');
  delete visitor.pending;
  const tokens = await oidc.authorizationCodeGrant(await microsoft(pending.tenant), new URL(req.originalUrl, OWN_URL), {
    pkceCodeVerifier: pending.verifier, expectedState: pending.state, expectedNonce: pending.nonce, idTokenExpected: true,
  });
  const { tid, oid } = tokens.claims() ?? fail('no ID token');
  const user = USERS.find((user) => TENANTS[user.account] === tid && user.microsoft === oid);
  if (!user) return void res.status(403).send('We do not know you.');
  visitor.user = user;
  res.redirect(303, await afterLogin(visitor, user, tokens.id_token!));
}

// 3. Ask at each login, and act on the answer. With a deadline: whatever comes of it, the person is in.
async function afterLogin(visitor: Session, user: User, id_token: string): Promise<string> {
  try {
    const login = await call(`${LOGIN_HOOK}/v1/login-decisions`, await serviceToken('login:decide'), {
      account_id: user.account, user_id: user.id, sign_in: { provider: 'microsoft', id_token },
      wants: { calendar: true, contacts: true, email: 'full' }, return_to: `${OWN_URL}/signed-in`,
    });
    switch (login.decision) {
      case 'prompt': return login.authorize_url;
      case 'auto_grant': visitor.notice = 'Your administrator has connected Microsoft 365 for you.'; break;
      case 'reauthenticate': visitor.notice = 'Sign in through Microsoft, at your company.'; break;
      case 'unavailable': visitor.notice = 'Microsoft 365 cannot be connected.'; break;
    }
    // 7. Let a token be kept: by Microsoft and back, without a page.
    return login.connect_url ?? '/';
  } catch (why) {
    console.error(JSON.stringify({ message: 'the login goes on without an answer', why: String(why) }));
    return '/';
  }
}

// 4. Take browsers back. Anybody can make such an address up, so the gateway is asked, as this user.
async function backFromConsent(req: Request, res: Response) {
  const visitor = session(req, res);
  const user = visitor.user ?? fail('nobody is signed in');
  const flow = encodeURIComponent(String(req.query.flow));
  const ended = typeof req.query.confirm === 'string'
    ? await call(`${GATEWAY}/v1/flows/${flow}/confirmation`, await userToken(user), { confirm: req.query.confirm })
    : await call(`${GATEWAY}/v1/flows/${flow}`, await userToken(user));
  visitor.notice ??= ended.state === 'completed' ? 'Your choice was recorded.' : ended.detail ?? 'Nothing was granted.';
  res.redirect(303, '/');
}

// 5. Link the settings: Assent's pages, in a session that a fresh token opens.
async function settings(req: Request, res: Response) {
  const user = session(req, res).user ?? fail('nobody is signed in');
  res.send(`<form method="post" action="${GATEWAY}/session">
    <input type="hidden" name="token" value="${await userToken(user)}">
    <input type="hidden" name="return_to" value="/settings/${req.params.page === 'company' ? 'company' : 'account'}">
    <button>Continue</button></form>`);
}

// 6. Follow the changes where you sync.
const permissions = new KnownPermissions({
  servers: setting('HOST_NATS_URL'), user: setting('HOST_NATS_USER'), pass: setting('HOST_NATS_PASSWORD'),
  inboxPrefix: setting('HOST_NATS_INBOX_PREFIX'), // _INBOX_<user>: a user hears its own answers only
});

// 8. Borrow a token for each page you read: ask just before, use it, forget it.
const PATHS: Record<string, string> = { calendar: 'me/events', contacts: 'me/contacts', email: 'me/messages' };
async function sync(req: Request, res: Response) {
  const user = session(req, res).user ?? fail('nobody is signed in');
  const permission = String(req.params.permission);
  const who = { account_id: user.account, user_id: user.id };
  const lent = await permissions.ask<any>('consent.token.v1.get', { ...who, permission });
  const page = await call(`${GRAPH}/v1.0/${PATHS[permission] ?? fail('no such permission')}`, lent.access_token);
  res.json({ synced: page.value.length, allowed: permissions.allowed(user.account, user.id) });
}

function home(req: Request, res: Response) {
  const visitor = session(req, res);
  const { user, notice } = visitor;
  delete visitor.notice;
  const forms = Object.keys(TENANTS).map((account) =>
    `<form method="post" action="/sign-in/${account}"><button>Sign in at ${account}</button></form>`);
  const allowed = user ? permissions.allowed(user.account, user.id).map((one) => `<li>${one}</li>`).join('') : '';
  res.send(`<h1>${escaped(user ? `Hello, ${user.name}` : 'Welcome')}</h1><p>${escaped(notice ?? '')}</p>
    <ul>${allowed}</ul>${forms.join('')}`);
}
const escaped = (text: string) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

const app = express();
const page = (show: (req: Request, res: Response) => unknown) => async (req: Request, res: Response) => {
  try {
    await show(req, res);
  } catch (why) {
    if (why instanceof Refusal) res.status(409).json({ code: why.code, detail: why.message });
    else res.status(400).type('text').send(`That did not work: ${why instanceof Error ? why.message : why}`);
  }
};
app.get('/', page(home));
app.post('/sign-in/:account', page(signIn));
app.get('/sign-in/microsoft/callback', page(signedIn));
app.get('/signed-in', page(backFromConsent));
app.get('/settings/:page', page(settings));
app.get('/sync/:permission', page(sync));
app.get('/.well-known/jwks.json', (_, res) => void res.json({ keys: [{ ...published, kid, alg: 'ES256', use: 'sig' }] }));
app.get('/readyz', (_, res) => void res.status(permissions.isLearnt ? 200 : 503).end());

const stop = new AbortController();
const following = permissions.follow(stop.signal);
const [host, port] = setting('HOST_LISTEN').split(':');
const server = app.listen(Number(port), host!, () =>
  console.error(JSON.stringify({ message: 'listening', address: setting('HOST_LISTEN') })));
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, async () => {
  stop.abort();
  server.close();
  server.closeAllConnections();
  await following;
  process.exit(0);
});
