def run(n, text):
    x = 1
    for i in range(n):
        x = ((x * 48271) ^ i) & 0x7FFFFFFF
    return x
