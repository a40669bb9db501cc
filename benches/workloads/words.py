def run(n, text):
    counts = {}
    for word in text.split():
        counts[word] = counts.get(word, 0) + 1
    check = len(counts)
    for count in counts.values():
        check = (check + count * count) % 2147483647
    return check
