class Fields:
    def __init__(self):
        self.alpha, self.beta, self.gamma, self.delta = 1, 2, 3, 4


def run(n, text):
    r = Fields()
    for _ in range(n):
        r.alpha = (r.alpha + r.beta) % 65521
        r.beta = (r.beta + r.gamma) % 65521
        r.gamma = (r.gamma + r.delta) % 65521
        r.delta = (r.delta + r.alpha + 1) % 65521
    return r.alpha + r.beta + r.gamma + r.delta
