#!/usr/bin/env python3
"""Makes Tests/DockerAPITests/Swagger/responses.json, by which the tests check every answer of the Docker routes.

    scripts/response-schemas.py engine-api-v1.50.swagger.yaml > Tests/DockerAPITests/Swagger/responses.json

Of the Engine API's description (Swagger 2.0) it keeps what says how an answer looks: types, members, which are required,
enumerations, what may be null. Needs PyYAML.
"""

import json
import sys

import yaml

KEPT = ("type", "enum", "required", "format")


def schema(node):
    """A schema without what is only for people."""
    if "$ref" in node:
        return {"ref": node["$ref"].rsplit("/", 1)[1]}
    kept = {key: node[key] for key in KEPT if key in node}
    if node.get("x-nullable"):
        kept["nullable"] = True
    if "properties" in node:
        kept["properties"] = {name: schema(of) for name, of in node["properties"].items()}
    if "items" in node:
        kept["items"] = schema(node["items"])
    if isinstance(node.get("additionalProperties"), dict):
        kept["values"] = schema(node["additionalProperties"])
    if "allOf" in node:
        kept["allOf"] = [schema(part) for part in node["allOf"]]
    return kept


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("ref"), str):
            yield node["ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        api = yaml.safe_load(file)
    routes = {}
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            if method == "parameters":
                continue
            answers = {
                str(status): schema(answer["schema"]) if "schema" in answer else None
                for status, answer in operation["responses"].items()
            }
            routes[f"{method.upper()} {path}"] = {
                "answers": answers,
                "produces": operation.get("produces", []),
            }
    definitions = {name: schema(of) for name, of in api["definitions"].items()}
    used, wanted = set(), set(references(routes))
    while wanted:
        name = wanted.pop()
        used.add(name)
        wanted |= set(references(definitions[name])) - used

    def lines(table):
        rows = (f"{json.dumps(name)}: {json.dumps(table[name], sort_keys=True, separators=(',', ':'))}" for name in sorted(table))
        return ",\n".join(rows)

    kept = {name: definitions[name] for name in used}
    print('{"version": %s,\n"definitions": {\n%s\n},\n"routes": {\n%s\n}}' % (json.dumps(api["info"]["version"]), lines(kept), lines(routes)))


main()
