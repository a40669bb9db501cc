def lookup(args):
    # CPython stands alone here, so the host's function is Python too.
    number = args["id"]
    return {"name": f"item {number}", "price": number * 7 % 97, "stock": number % 5}


def run(n, text):
    notes = []
    totals = {"missing": 0, "dear": 0, "cheap": 0}
    for i in range(n):
        item = lookup({"kind": "price", "id": i})
        if item["stock"] == 0:
            totals["missing"] += 1
        elif item["price"] > 50:
            totals["dear"] += item["price"]
            notes.append(item["name"].upper() + ": " + str(item["price"]))
        else:
            totals["cheap"] += item["price"]
    return len("\n".join(notes)) + totals["missing"] + totals["dear"] + totals["cheap"]
