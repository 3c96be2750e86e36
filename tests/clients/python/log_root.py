"""The root over the first messages of the log, by other programs than Assent's: nats-py reads them, hashlib makes the
leaves, pymerkle the tree. Takes how many messages; prints the root as a checkpoint has it."""

import asyncio
import base64
import hashlib
import os
import sys

import nats
from pymerkle import InmemoryTree


def leaf(message):
    """The hash by which the next event on the subject names this message."""
    attributes = sorted((name, value) for name, value in (message.headers or {}).items() if name.startswith("ce-"))
    head = message.subject + "\n" + "".join(f"{name}:{value}\n" for name, value in attributes) + "\n"
    return hashlib.sha256(head.encode() + (message.data or b"")).digest()


async def root(size):
    connection = await nats.connect(
        os.environ["NATS_URL"],
        user=os.environ["NATS_USER"],
        password=os.environ["NATS_PASSWORD"],
        inbox_prefix=os.environ["NATS_INBOX_PREFIX"].encode(),
    )
    tree = InmemoryTree(algorithm="sha256")
    for sequence in range(1, size + 1):
        tree.append_entry(leaf(await connection.jetstream().get_msg("CONSENT_EVENTS", sequence)))
    await connection.close()
    return tree.get_state()


print(base64.b64encode(asyncio.run(root(int(sys.argv[1])))).decode())
