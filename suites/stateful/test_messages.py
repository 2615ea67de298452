"""Messages: process items that are no tasks."""

import pytest


@pytest.mark.requirement("ITM-004", "ITM-012")
def test_message_created_as_asked(world, evidence):
    text = "A *message* with ünïcode \U0001f680\n\n- and a list"
    body = world.message_body(world.scratch_process(), message={"text": text})
    created = world.granted(world.call("createProcessItem", body=body))
    for exchange in (created, world.read_item(world.id_of(created))):
        evidence.shows("ITM-004", exchange, {"type": "MESSAGE", "message.text": text})
    data = {"value": {"conformance": ["message", 1]}}
    with_data = world.message_body(world.scratch_process(), message={"text": text, "data": data})
    told = world.call("createProcessItem", body=with_data)
    if told.ok:  # without a data structure, a server may refuse data
        for exchange in (told, world.read_item(world.id_of(told))):
            if exchange.at("message.data.value") is not None:
                evidence.shows("ITM-004", exchange, {"message.data.value": data["value"]})
    for operation_id in ("claimProcessItemTask", "completeProcessItemTask"):
        evidence.refused("ITM-012", world.call(operation_id, id=body["id"]), "of a message, which is no task")
