def run(n, text):
    xs = []
    x = 1
    for _ in range(n):
        x = (x * 48271 + 11) % 2147483647
        xs.append(x)

    stack = [(0, n - 1)]
    while stack:
        low, high = stack.pop()
        while low < high:
            pivot = xs[(low + high) // 2]
            i, j = low, high
            while i <= j:
                while xs[i] < pivot:
                    i += 1
                while xs[j] > pivot:
                    j -= 1
                if i <= j:
                    xs[i], xs[j] = xs[j], xs[i]
                    i += 1
                    j -= 1
            if j - low < high - i:
                stack.append((i, high))
                high = j
            else:
                stack.append((low, j))
                low = i

    check = 0
    for x in xs:
        check = (check * 31 + x) % 2147483647
    return check
