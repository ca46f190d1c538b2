"""Prints the TCP ports of an address that accept a connection, as JSON.

Usage: open-ports.py ADDRESS. It looks at all ports. A port that drops packets costs LIMIT seconds, so many
connections wait at the same time.
"""

import asyncio
import json
import resource
import sys

LIMIT = 2
AT_ONCE = 4000


async def is_open(address, port, turn):
    async with turn:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), LIMIT)
        except (OSError, asyncio.TimeoutError):
            return False
        writer.close()
        return True


async def main(address):
    turn = asyncio.Semaphore(AT_ONCE)
    ports = range(1, 65536)
    found = await asyncio.gather(*(is_open(address, port, turn) for port in ports))
    print(json.dumps([port for port, opened in zip(ports, found) if opened]))


resource.setrlimit(resource.RLIMIT_NOFILE, (AT_ONCE + 100, AT_ONCE + 100))
asyncio.run(main(sys.argv[1]))
