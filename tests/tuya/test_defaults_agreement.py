from __future__ import annotations

import json

import pytest

from corpus import corpus_folder, dump
from groundwire.images.beken.content import read_content
from groundwire.tuya.parameters import find_in_code

pytestmark = pytest.mark.corpus


@pytest.mark.slow
def test_defaults_in_every_application_agree_with_the_reference():
    checked = 0
    for path in sorted((corpus_folder() / "dumps").glob("*.expected.json")):
        want = json.loads(path.read_text())["own"].get("app")
        content = read_content(dump(path.name.removesuffix(".expected.json"))) if want else None
        if content is None or content.app is None:
            continue
        found = find_in_code(content.app.plain())
        wanted = want.get("user_param_in_code", [])
        at = {default.offset + content.app.logical: default.parameters.text for default in found}
        assert set(at.values()) >= {item["text"] for item in wanted}, path.name
        for item in wanted:
            assert at.get(int(item["logical"], 16)) == item["text"], path.name
        # One default is missing from the reference list; another tool reports it.
        others = json.loads(path.read_text())["reference"]["bk7231tools"]
        assert len(at) == len(wanted) or others["app_code_upk"], path.name
        checked += bool(wanted)
    assert checked
