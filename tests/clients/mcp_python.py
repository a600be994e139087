"""The official Python client initialises, lists and calls every tool: with a handshake, and without one."""

import asyncio
import json
import pathlib
import sys

from mcp import Client, MCPError
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

CALLS = json.loads((pathlib.Path(__file__).parent / "calls.json").read_text())


def filled(value, known):
    """The value with what is known in place of its names."""
    if isinstance(value, dict):
        return {name: filled(inner, known) for name, inner in value.items()}
    return known.get(value, value) if isinstance(value, str) else value


async def call(client, one, known):
    result = await client.call_tool(one["tool"], filled(one["arguments"], known))
    body = result.structured_content
    assert not result.is_error, (one["tool"], body)
    assert json.loads(result.content[0].text) == body, one["tool"]
    for name, expected in one["has"].items():
        expected = filled(expected, known)
        assert name in body and expected in (None, body[name]), (one["tool"], name, body)
    for name, field in one.get("keep", {}).items():
        known["$" + name] = body[field]


async def converse(url, key, mode):
    http = create_mcp_http_client(headers={"x-api-key": key})
    async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert tools == {one["tool"] for one in CALLS}, tools ^ {one["tool"] for one in CALLS}
        known = {"$user": f"python-{mode}"}
        for one in CALLS:
            await call(client, one, known)
        foreign = {"session_id": known["$session"], "user_id": "somebody-else"}
        refused = await client.call_tool("get_session", foreign)
        assert refused.is_error and refused.structured_content["code"] == "session_not_found"
        for tool, arguments in [("append_turn", {}), ("no_such_tool", {})]:
            try:
                await client.call_tool(tool, arguments)
                raise SystemExit(f"{tool} with wrong arguments was taken")
            except MCPError as error:
                assert error.error.code == -32602, error
        print(f"python, {mode}: {len(tools)} tools, protocol {client.protocol_version}")


async def main(url, key):
    for mode in ("legacy", "auto"):
        await converse(url, key, mode)


asyncio.run(main(*sys.argv[1:]))
