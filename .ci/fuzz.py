"""Writes the start of `.ci/fuzz`: the dictionary of words in bodies and calendars, and one valid input of each kind."""

import json
import pathlib
import re
import sys

folder = pathlib.Path(sys.argv[1])
schemas = json.load(open("openapi/openapi.json"))["components"]["schemas"]


def sample(schema, depth=0):
    """Returns a value that this schema probably accepts."""
    if depth > 5:
        return None
    if "$ref" in schema:
        return sample(schemas[schema["$ref"].rsplit("/", 1)[1]], depth + 1)
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return sample(schema[choice][0], depth + 1)
    for shown in ("example", "default"):
        if shown in schema:
            return schema[shown]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            return {name: sample(each, depth + 1) for name, each in schema.get("properties", {}).items()}
        case "array":
            return [sample(schema["items"], depth + 1)]
        case "boolean":
            return True
        case "integer" | "number":
            return schema.get("minimum", 1)
        case _:
            formats = {
                "date": "2030-01-01",
                "date-time": "2030-01-01T08:00:00Z",
                "email": "rosa@example.gov.co",
                "uri": "https://example.gov.co/",
                "uuid": "01a20f26-0000-7000-8000-000000000000",
            }
            return formats.get(schema.get("format"), "Sin red desde las ocho")


def keep(target, number, seed):
    (folder / target).mkdir(parents=True, exist_ok=True)
    (folder / target / str(number)).write_bytes(seed)


# The types in the order of the target, which numbers them. A patch is preceded by the body that it changes.
kinds = pathlib.Path("tests/fuzz/fuzz_targets/bodies.rs").read_text().split("whole:", 1)[1]
for number, name in enumerate(re.findall(r"mesa::[a-z_:]*::([A-Z]\w*)[,;]", kinds)):
    # A type that the contract names differently has no seed.
    known = next((each for each in (name, f"{name}Patch", f"{name}Input") if each in schemas), None)
    if known is None:
        continue
    schema = schemas[known]
    body = json.dumps(sample(schema)).encode()
    keep("bodies", number, bytes([number]) + body + b"\n" + body)

expressions = set()
for file in pathlib.Path("src/tickets/clock").glob("*.rs"):
    expressions.update(re.findall(r'"([^"\n]*(?:Mo|PH|24/7|\d:\d\d-)[^"\n]*)"', file.read_text()))
for number, expression in enumerate(sorted(expressions)):
    # The input begins with the moment, the minutes and the time zone.
    keep("opening_hours", number, b"reckoned on" + expression.encode())

words = set("Mo Tu We Th Fr Sa Su PH SH off open closed week Jan Feb easter 24/7 08:00-18:00 || [1] 2026-2030".split())
for schema in schemas.values():
    words.update(json.dumps(name) for name in schema.get("properties", {}))
    words.update(json.dumps(word) for word in schema.get("enum", []))
with open(folder / "words", "w") as dictionary:
    for word in sorted(words):
        escaped = word.replace("\\", "\\\\").replace('"', '\\"')
        dictionary.write(f'"{escaped}"\n')
