"""A sync worker of any product, on nothing but NATS: knows at any moment what may be done for whom.

Listen, then read all pages, then go on with what was heard meanwhile. Of each subject the latest counts. What is not
known is not permitted, and nothing is known while the connection is gone or the pages are being read anew.
"""

import asyncio
import json
import os
import sys
from urllib.parse import unquote

import nats

CHANGES, PAGES = "consent.changes.v1.>", "consent.query.v1.changes"
NOTHING = {"calendar": False, "contacts": False, "email": "none"}


class Anew(Exception):
    """What is known means nothing any more: forget it, and learn anew."""


def whose(change):
    return change["account_id"], change.get("user_id")


def named_by(subject):
    """Whose change a subject is of. Ids are percent-encoded in it."""
    account, kind, *user = [unquote(token) for token in subject.split(".")[3:]]
    return account, user[0] if kind == "user" else None


def read(message):
    """The change, or None for what somebody else may have sent: of whom is said by the subject."""
    try:
        change = json.loads(message.data)
        sound = type(change["sequence"]) is int and whose(change) == named_by(message.subject)
        return change if sound and (not change.get("user_id") or type(change["effective"]) is dict) else None
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return None


class SyncWorker:
    def __init__(self, server, on_change=lambda worker: None):
        self.server, self.on_change = server, on_change
        self.log, self.known, self.learnt = None, {}, False

    def permitted(self, account, user):
        """What may be done for a user now. Ask it before each piece of work."""
        company = self.known.get((account, None), {"sequence": 0})
        entry = self.known.get((account, user))
        if not self.learnt or not entry or entry["sequence"] < company["sequence"]:
            return NOTHING
        return entry["effective"]

    def allowed(self, account, user):
        """The same as a list that can't be misread: `calendar`, `contacts`, `email.send`, `email.read`."""
        company = self.known.get((account, None), {"sequence": 0})
        entry = self.known.get((account, user))
        if not self.learnt or not entry or entry["sequence"] < company["sequence"]:
            return []
        return entry["allowed"]

    def note(self, change, is_news):
        before = self.known.get(whose(change))
        if not before or is_news(before["sequence"], change["sequence"]):
            self.known[whose(change)] = change

    async def learn(self, account=None):
        """Reads how everybody stands, or how one company and its users do."""
        question = {"account_id": account} if account else {}
        while True:
            answer = await self.nc.request(PAGES, json.dumps(question).encode(), timeout=5)
            page = json.loads(answer.data)
            if "Nats-Service-Error" in (answer.headers or {}):
                raise Anew(f"refused: {page['detail']}")
            self.log = self.log or page["log"]
            if page["log"] != self.log:
                raise Anew("another log")
            for entry in page["changes"]:
                self.note(entry, lambda before, now: before <= now)
            if "next" not in page:
                return
            question["after"] = page["next"]

    async def hear(self, message):
        headers = message.headers or {}
        # The server names the stream and numbers what it tells; nobody else can.
        number = headers.get("Nats-Sequence", "") if headers.get("Nats-Stream") == "CONSENT_CHANGES" else ""
        if number.isdecimal():
            if self.number and int(number) > self.number + 1:
                raise Anew("a change was missed")
            self.number = int(number)
        change = read(message) if number else None
        if not change:
            print("not a change: passed over", message.subject, file=sys.stderr)
            return
        if change.get("log") != self.log:
            raise Anew("another log")
        self.note(change, lambda before, now: before < now)
        self.on_change(self)
        if not change.get("user_id"):  # It ended what was known of its users.
            await self.learn(change["account_id"])
            self.on_change(self)

    async def follow(self):
        lost = asyncio.Event()

        async def gone(*_):
            lost.set()

        self.nc = await nats.connect(allow_reconnect=False, disconnected_cb=gone, closed_cb=gone,
                                     error_cb=gone, ping_interval=5, max_outstanding_pings=2, **self.server)
        try:
            changes = await self.nc.subscribe(CHANGES)
            await self.nc.flush()  # From here on everything is heard. Only now is it asked.
            self.log, self.known, self.number = None, {}, 0
            await self.learn()
            self.learnt = True
            self.on_change(self)
            while not lost.is_set():
                try:
                    await self.hear(await changes.next_msg(timeout=0.5))
                except nats.errors.TimeoutError:
                    continue
        finally:
            self.learnt = False  # First of all: nothing is permitted from here on.
            self.on_change(self)
            await self.nc.close()

    async def run(self):
        while True:
            try:
                await self.follow()
            except (Anew, OSError, asyncio.TimeoutError, nats.errors.Error) as why:
                print("learning anew:", repr(why), file=sys.stderr)
            await asyncio.sleep(0.5)


if __name__ == "__main__":
    account, user, said = sys.argv[1], sys.argv[2], []

    def say(worker):
        now = json.dumps(worker.permitted(account, user), sort_keys=True)
        if said[-1:] != [now]:
            said[:] = [now]
            print(now, flush=True)

    asyncio.run(SyncWorker({
        "servers": os.environ["NATS_URL"], "user": os.environ["NATS_USER"],
        "password": os.environ["NATS_PASSWORD"], "inbox_prefix": os.environ["NATS_INBOX_PREFIX"].encode(),
    }, say).run())
