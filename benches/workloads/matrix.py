def run(n, text):
    a = [[(i * j) % 7 + 0.5 for j in range(n)] for i in range(n)]
    b = [[(i + j) % 5 - 1.5 for j in range(n)] for i in range(n)]
    c = []
    for row in a:
        line = []
        for j in range(n):
            cell = 0.0
            for k in range(n):
                cell += row[k] * b[k][j]
            line.append(cell)
        c.append(line)
    check = 0.0
    for i in range(n):
        for j in range(n):
            check += c[i][j] * ((i + 2 * j) % 3)
    return int(check * 4)
