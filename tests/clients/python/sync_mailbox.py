"""A sync worker of any product that reads a mailbox: `sync_worker.py` knows what is permitted, and this reads that.

Before each page a token is borrowed from Assent's token broker, and forgotten after it. What is not allowed any more is not
read any more, in the middle of a list, too.
"""

import asyncio
import json
import os
import sys
import urllib.request

from sync_worker import SyncWorker

GRAPH = os.environ["GRAPH_URL"]
#: What is allowed, the permission that a token is borrowed for, and what there is to read.
LISTS = {
    "calendar": ("calendar", "me/events"),
    "contacts": ("contacts", "me/contacts"),
    "email.read": ("email", "me/messages"),
}


class Refused(Exception):
    """Assent gave no token; the code says why."""


async def borrow(worker, account, user, permission):
    question = {"account_id": account, "user_id": user, "permission": permission}
    answer = await worker.nc.request("consent.token.v1.get", json.dumps(question).encode(), timeout=5)
    said = json.loads(answer.data)
    if "Nats-Service-Error" in (answer.headers or {}):
        raise Refused(said["code"])
    return said["access_token"]


def read(address, token):
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


async def sync_list(worker, account, user, allowed):
    """All pages of a list; how many things there were, or why it ended before."""
    permission, path = LISTS[allowed]
    address, found = f"{GRAPH}/v1.0/{path}", 0
    while address:
        if allowed not in worker.allowed(account, user):
            return "stopped"
        try:
            token = await borrow(worker, account, user, permission)
            page = await asyncio.to_thread(read, address, token)
        except Refused as why:
            return str(why)
        found += len(page["value"])
        address = page.get("@odata.nextLink")
    return found


async def sync(worker, account, user):
    """Goes round the lists, and says what has become of each when that is news."""
    said = {}
    while True:
        for allowed in LISTS:
            now = await sync_list(worker, account, user, allowed)
            if said.get(allowed, "stopped") != now:
                print(allowed, now, flush=True)
            said[allowed] = now
        await asyncio.sleep(0.2)


async def main(account, user):
    worker = SyncWorker({
        "servers": os.environ["NATS_URL"], "user": os.environ["NATS_USER"],
        "password": os.environ["NATS_PASSWORD"], "inbox_prefix": os.environ["NATS_INBOX_PREFIX"].encode(),
    })
    await asyncio.gather(worker.run(), sync(worker, account, user))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
