def value(text, at):
    first = text[at]
    if first == " ":
        return value(text, at + 1)
    if first == "{":
        return obj(text, at + 1)
    if first == "[":
        return array(text, at + 1)
    if first == '"':
        return string(text, at + 1)
    if first == "t":
        return True, at + 4
    if first == "f":
        return False, at + 5
    if first == "n":
        return None, at + 4
    number = 0
    digit = ord(first) - 48
    while 0 <= digit <= 9:
        number = number * 10 + digit
        at += 1
        digit = ord(text[at]) - 48
    return number, at


def string(text, start):
    at = start
    while text[at] != '"':
        at += 1
    return text[start:at], at + 1


def array(text, at):
    items = []
    while text[at] != "]":
        if text[at] == ",":
            at += 1
        item, at = value(text, at)
        items.append(item)
    return items, at + 1


def obj(text, at):
    fields = {}
    while text[at] != "}":
        if text[at] == ",":
            at += 1
        key, at = value(text, at)
        field, at = value(text, at + 1)
        fields[key] = field
    return fields, at + 1


def run(n, text):
    parsed, _ = value(text, 0)
    check = 0
    for item in parsed:
        check += item["id"] + len(item["name"]) + len(item["tags"])
        if item["ok"]:
            check += 1
    return check
