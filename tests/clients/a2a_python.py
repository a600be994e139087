"""The official Python client finds the mesh by its card, shows a key as the card says, and speaks with its agents."""

import asyncio
import sys

import httpx

from a2a.client import A2ACardResolver, AuthInterceptor, CredentialService, create_client
from a2a.helpers import get_message_text, new_text_message
from a2a.types.a2a_pb2 import GetTaskRequest, ListTasksRequest, Role, SendMessageRequest
from a2a.utils.errors import (
    ContentTypeNotSupportedError,
    InvalidParamsError,
    TaskNotFoundError,
)
from a2a.utils.proto_utils import validate_proto_required_fields

LIMIT_S = 60


class Key(CredentialService):
    """One key, shown in the way that the card calls by this name."""

    def __init__(self, scheme, key):
        self.scheme, self.key = scheme, key

    async def get_credentials(self, security_scheme_name, context):
        return self.key if security_scheme_name == self.scheme else None


def message(text, context=None, user="a2a"):
    said = new_text_message(text, context_id=context, role=Role.ROLE_USER)
    said.metadata.update({"user_id": user})
    return SendMessageRequest(message=said)


async def say(client, request):
    """The one message that answers."""
    events = [event async for event in client.send_message(request)]
    assert len(events) == 1 and events[0].HasField("message"), events
    reply = events[0].message
    validate_proto_required_fields(reply)
    assert reply.role == Role.ROLE_AGENT and get_message_text(reply), reply
    return reply


async def refused(error, call):
    try:
        await call
    except error as refusal:
        return refusal
    raise SystemExit(f"{error.__name__} was expected")


async def converse(card, key, scheme):
    shown = AuthInterceptor(Key(scheme, key))
    async with await create_client(card, interceptors=[shown]) as client:
        order = message("I need help with my order")
        first = await say(client, order)
        assert first.metadata["agent_id"] == "support", first
        assert await say(client, order) == first, "a repeated message has the answer that it had"
        again = await say(client, message("Where is my parcel?", first.context_id))
        assert again.context_id == first.context_id and again.message_id != first.message_id, again
        assert again.metadata["session_id"] == first.metadata["session_id"], again
        other = await say(client, message("Good morning"))
        assert other.context_id != first.context_id, "a message without a context begins one"

        foreign = message("Hi", first.metadata["session_id"], "somebody-else")
        refusal = await refused(InvalidParamsError, say(client, foreign))
        assert refusal.data["code"] == "session_not_found", refusal
        picture = message("Look")
        picture.message.parts.add(url="https://example.com/a.png", media_type="image/png")
        await refused(ContentTypeNotSupportedError, say(client, picture))
        await refused(TaskNotFoundError, client.get_task(GetTaskRequest(id="t-1")))
        assert not (await client.list_tasks(ListTasksRequest())).tasks


async def main(url, key):
    async with httpx.AsyncClient() as http:
        card = await A2ACardResolver(http, url).get_agent_card()
    validate_proto_required_fields(card)
    skills = {skill.id for skill in card.skills}
    assert {"sales", "support", "booking"} <= skills, skills
    for scheme in card.security_schemes:
        await asyncio.wait_for(converse(card, key, scheme), LIMIT_S)
    schemes = ", ".join(card.security_schemes)
    print(f"a2a: {len(skills)} skills of {card.name} {card.version}, a key as {schemes}")


asyncio.run(main(*sys.argv[1:]))
