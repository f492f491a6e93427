"""The least that a relay can do: parse, forward, answer. The floor beside which ours is measured.

python bench/bare_relay.py PORT UPSTREAM_PORT
"""

import sys
from collections.abc import AsyncIterator

import aiohttp
import uvloop
from aiohttp import web


def application(upstream: str) -> web.Application:
    """One route."""
    session: list[aiohttp.ClientSession] = []

    async def relay(request: web.Request) -> web.Response:
        asked = await request.json()
        async with session[0].post(upstream, json=asked) as response:
            answer = await response.json()
        return web.json_response(answer)

    async def connected(_: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as made:
            session.append(made)
            yield

    app = web.Application()
    app.cleanup_ctx.append(connected)
    app.router.add_post("/v1/chat/completions", relay)
    return app


if __name__ == "__main__":
    uvloop.install()
    url = f"http://127.0.0.1:{sys.argv[2]}/v1/chat/completions"
    web.run_app(application(url), host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
