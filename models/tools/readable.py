# Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
"""JSON text that a person can read: an object or array that fits on one line stays on one line."""
import json
import math

WIDTH = 120


def number(value):
    """The shortest text that reads back to the same double; whole numbers without a point."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"not a number: {value!r}")
    if not math.isfinite(value):
        raise ValueError("JSON has no infinite or undefined numbers")
    if value == 0:
        return "0"
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(float(value))


def one_line(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {one_line(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(one_line(v) for v in value) + "]"
    if isinstance(value, str) or isinstance(value, bool) or value is None:
        return json.dumps(value, ensure_ascii=False)
    return number(value)


def text(value, indent=0, room=WIDTH):
    """`room` is what is left of the line for this value, its key and the comma after it being written by the caller."""
    line = one_line(value)
    if not isinstance(value, (dict, list, tuple)) or not value or (indent > 0 and len(line) <= room):
        return line
    pad = "  " * (indent + 1)
    inner = WIDTH - len(pad) - 1
    if isinstance(value, dict):
        items = []
        for key, item in value.items():
            head = json.dumps(key, ensure_ascii=False) + ": "
            items.append(pad + head + text(item, indent + 1, inner - len(head)))
        return "{\n" + ",\n".join(items) + "\n" + "  " * indent + "}"
    if all(isinstance(v, (int, float)) for v in value):  # a long list of numbers is filled, not one a line
        lines, current = [], ""
        for v in value:
            word = number(v)
            if current and len(current) + 2 + len(word) > inner:
                lines.append(current + ",")
                current = word
            else:
                current = f"{current}, {word}" if current else word
        return "[\n" + "\n".join(pad + line for line in lines + [current]) + "\n" + "  " * indent + "]"
    return "[\n" + ",\n".join(pad + text(v, indent + 1, inner) for v in value) + "\n" + "  " * indent + "]"


def write(path, value):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(text(value) + "\n")
