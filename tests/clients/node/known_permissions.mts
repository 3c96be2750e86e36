// What may be done for whom, known at any moment, on nothing but NATS: listen, then read all pages, then go on with what
// was heard meanwhile. Of each subject the latest counts. What is not known is not permitted, and nothing is known while
// the connection is gone or the pages are being read anew.
import { connect, type Msg, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';

const NOT_NOW = 'nothing is known just now';

interface Change { account_id: string; user_id?: string; allowed?: string[]; sequence: number; log?: string }
interface Page { log: string; changes: Change[]; next?: string }

/** A refusal of Assent's: over NATS the answer to a request says by a header that it is one. */
export class Refusal extends Error {
  constructor(readonly code: string, detail: string) { super(detail); }
}

const key = (account: string, user?: string) => JSON.stringify([account, user ?? null]);

export class KnownPermissions {
  #nats?: NatsConnection;
  #known = new Map<string, Change>();
  #log?: string;
  #last = 0;
  #learnt = false;

  constructor(private readonly server: NodeConnectionOptions, private readonly changed: () => void = () => {}) {}

  get isLearnt() { return this.#learnt; }

  /** What is allowed for a user now: `calendar`, `contacts`, `email.send`, `email.read`. Ask before each piece of work. */
  allowed(account: string, user: string): string[] {
    const company = this.#known.get(key(account))?.sequence ?? 0;
    const entry = this.#known.get(key(account, user));
    return this.#learnt && entry && company <= entry.sequence ? entry.allowed ?? [] : [];
  }

  /** Asks a service of Assent's over NATS. */
  async ask<T>(subject: string, question: object): Promise<T> {
    if (!this.#nats) throw new Refusal('unavailable', NOT_NOW);
    const answer = await this.#nats.request(subject, JSON.stringify(question), { timeout: 5_000 });
    const body = answer.json<any>();
    if (answer.headers?.has('Nats-Service-Error')) throw new Refusal(body.code, body.detail);
    return body;
  }

  /** Follows the changes until it is told to stop. */
  async follow(stop: AbortSignal) {
    while (!stop.aborted) {
      await this.#once(stop).catch((why) => console.error(JSON.stringify({ message: 'learning anew', why: String(why) })));
      await new Promise((again) => setTimeout(again, 500));
    }
  }

  async #once(stop: AbortSignal) {
    // A connection that comes back by itself would hide that something was missed.
    const nats = await connect({ reconnect: false, pingInterval: 5_000, maxPingOut: 2, ...this.server });
    const close = () => void nats.close();
    stop.addEventListener('abort', close);
    try {
      const changes = nats.subscribe('consent.changes.v1.>');
      await nats.flush(); // From here on everything is heard. Only now is it asked.
      [this.#nats, this.#log, this.#last] = [nats, undefined, 0];
      this.#known.clear();
      await this.#learn();
      this.#learnt = true;
      this.changed();
      for await (const message of changes) await this.#hear(message);
      throw new Error('the connection is gone');
    } finally {
      [this.#learnt, this.#nats] = [false, undefined]; // First of all: nothing is permitted from here on.
      this.changed();
      stop.removeEventListener('abort', close);
      await nats.close();
    }
  }

  /** Reads how everybody stands, or how one company and its users do. */
  async #learn(account?: string) {
    let after: string | undefined;
    do {
      const question = { ...(account && { account_id: account }), ...(after && { after }) };
      const page: Page = await this.ask('consent.query.v1.changes', question);
      this.#log ??= page.log;
      if (page.log !== this.#log) throw new Error('another log');
      for (const entry of page.changes) this.#note(entry, (known) => known <= entry.sequence);
      after = page.next;
    } while (after);
  }

  #note(change: Change, isNews: (known: number) => boolean) {
    const whose = key(change.account_id, change.user_id);
    const known = this.#known.get(whose);
    if (!known || isNews(known.sequence)) this.#known.set(whose, change);
  }

  async #hear(message: Msg) {
    // The server names the stream and numbers what it tells; nobody else can.
    if (message.headers?.get('Nats-Stream') !== 'CONSENT_CHANGES') return;
    const number = Number(message.headers.get('Nats-Sequence'));
    if (this.#last && number > this.#last + 1) throw new Error('a change was missed');
    this.#last = number;
    const change = read(message);
    if (!change) return;
    if (change.log !== this.#log) throw new Error('another log');
    this.#note(change, (known) => known < change.sequence);
    this.changed();
    if (!change.user_id) { // It ended what was known of the company's users.
      await this.#learn(change.account_id);
      this.changed();
    }
  }
}

/** The change, unless it is not what its subject says. Ids are percent-encoded there. */
function read(message: Msg): Change | undefined {
  const [account, kind, user] = message.subject.split('.').slice(3).map(decodeURIComponent);
  try {
    const change = message.json<Change>();
    const isIts = change.account_id === account && (change.user_id ?? null) === (kind === 'user' ? user : null);
    const isWhole = Number.isSafeInteger(change.sequence) && (!change.user_id || Array.isArray(change.allowed));
    return isIts && isWhole ? change : undefined;
  } catch {
    return undefined;
  }
}
