import json

from groundwire.exports.home_assistant import ENTITIES, discovery_messages, slug, topics_of


def test_every_chip_gets_every_entity_and_no_id_twice():
    topics = topics_of("house", ["A", "B"])
    messages = discovery_messages(topics, ["A", "B"], expire_s=10.0)
    assert len(messages) == 2 * (len(ENTITIES) + 1)
    configs = [json.loads(text) for text in messages.values()]
    assert len({config["unique_id"] for config in configs}) == len(configs)
    assert {config["device"]["identifiers"][0] for config in configs} == {
        "groundwire_house_a",
        "groundwire_house_b",
    }


def test_one_message_word_for_word():
    messages = discovery_messages(topics_of("house", ["A"]), ["A"], expire_s=30.0, prefix="ha")
    config = json.loads(messages["ha/sensor/groundwire_house_a/imported_kwh/config"])
    version = config["origin"].pop("sw_version")
    assert version
    assert config == {
        "name": "Energy",
        "unique_id": "groundwire_house_a_imported_kwh",
        "state_topic": "groundwire/house/a/state",
        "value_template": "{{ value_json.imported_kwh }}",
        "device_class": "energy",
        "state_class": "total_increasing",
        "suggested_display_precision": 3,
        "expire_after": 90,
        "unit_of_measurement": "kWh",
        "availability": [
            {"topic": "groundwire/house/availability"},
            {"topic": "groundwire/house/a/availability"},
        ],
        "availability_mode": "all",
        "device": {
            "identifiers": ["groundwire_house_a"],
            "name": "house A",
            "manufacturer": "Shanghai Belling",
            "model": "BL0942",
        },
        "origin": {"name": "groundwire"},
    }


def test_power_factor_has_no_unit():
    messages = discovery_messages(topics_of("house", ["A"]), ["A"], expire_s=1.0)
    config = json.loads(messages["homeassistant/sensor/groundwire_house_a/power_factor/config"])
    assert "unit_of_measurement" not in config


def test_a_name_in_a_topic():
    assert slug("TX1/0/4800") == "tx1_0_4800"
    assert slug("+/#") == ""
