def run(n, text):
    parts = []
    for i in range(n):
        parts.append("item " + str(i))
    text = "; ".join(parts)

    lines = 0
    line = ""
    for _ in range(n):
        line = line + "x"
        if len(line) == 80:
            lines += 1
            line = ""
    return len(text) + lines
