from math import floor, sqrt


class Body:
    __slots__ = ("x", "y", "z", "vx", "vy", "vz", "mass")

    def __init__(self, x, y, z, vx, vy, vz, mass):
        self.x, self.y, self.z = x, y, z
        self.vx, self.vy, self.vz = vx, vy, vz
        self.mass = mass


def run(n, text):
    dt = 0.01
    bodies = [
        Body(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 39.47),
        Body(4.84, -1.16, -0.10, 0.606, 2.81, -0.02, 0.037),
        Body(8.34, 4.12, -0.4, -1.01, 1.82, 0.008, 0.011),
        Body(12.89, -15.11, -0.22, 1.08, 0.868, -0.010, 0.0017),
        Body(15.37, -25.9, 0.179, 0.979, 0.594, -0.034, 0.0020),
    ]
    count = len(bodies)
    for _ in range(n):
        for i in range(count):
            a = bodies[i]
            for j in range(i + 1, count):
                b = bodies[j]
                dx = a.x - b.x
                dy = a.y - b.y
                dz = a.z - b.z
                square = dx * dx + dy * dy + dz * dz
                pull = dt / (square * sqrt(square))
                near = b.mass * pull
                far = a.mass * pull
                a.vx -= dx * near
                a.vy -= dy * near
                a.vz -= dz * near
                b.vx += dx * far
                b.vy += dy * far
                b.vz += dz * far
        for a in bodies:
            a.x += dt * a.vx
            a.y += dt * a.vy
            a.z += dt * a.vz
    check = 0.0
    for a in bodies:
        check = check + a.x + 2.0 * a.y + 3.0 * a.vz
    return floor(check * 1e9)
