# SPDX-License-Identifier: Apache-2.0
"""Checks headers against Schemas/policy-wire.schema.json; the part of JSON Schema that it uses, with nothing to install."""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "Schemas/policy-wire.schema.json").read_text(encoding="utf-8"))
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def is_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def faults(value, schema, place="header"):
    """What is wrong with a value, as a list of sentences."""
    if "$ref" in schema:
        return faults(value, SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]], place)
    if "oneOf" in schema:
        tried = [(faults(value, one, place), one) for one in schema["oneOf"]]
        fitting = [one for found, one in tried if not found]
        if len(fitting) == 1:
            return []
        # The message that it says it is explains most.
        kind = value.get("kind") if isinstance(value, dict) else None
        meant = [found for found, one in tried if one.get("properties", {}).get("kind", {}).get("const") == kind]
        return meant[0] if meant else [f"{place} is none of the messages: {value!r}"]
    if "const" in schema and value != schema["const"]:
        return [f"{place} is {value!r}, it must be {schema['const']!r}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{place} is {value!r}, it must be one of {schema['enum']}"]
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(is_type(value, name) for name in names):
            return [f"{place} is {value!r}, it must be {' or '.join(names)}"]
    found = []
    if "minimum" in schema and is_type(value, "number") and value < schema["minimum"]:
        found.append(f"{place} is {value}, it must be at least {schema['minimum']}")
    if isinstance(value, dict):
        found += [f"{place} lacks '{name}'" for name in schema.get("required", []) if name not in value]
        known = schema.get("properties", {})
        for name, member in value.items():
            if name in known:
                found += faults(member, known[name], f"{place}.{name}")
            elif schema.get("additionalProperties") is False:
                found.append(f"{place} has '{name}', which is unknown")
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            found.append(f"{place} has {len(value)} elements")
        for index, element in enumerate(value):
            found += faults(element, schema.get("items", {}), f"{place}[{index}]")
    return found


def check(header, sender):
    """Stops the program where a header of the pipeline or the worker does not fit the schema."""
    found = faults(header, SCHEMA["$defs"][f"from-{sender}"])
    if found:
        raise SystemExit(f"a header of the {sender} does not fit the schema: {'; '.join(found)}")
