//! Workloads on numbers and fields.

use std::hint::black_box;

pub fn integer_loop(n: i64) -> i64 {
    (0..n).fold(1, |x, i| ((x * 48_271) ^ i) & 0x7FFF_FFFF)
}

pub fn fib(n: i64) -> i64 {
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
}

struct Body {
    at: [f64; 3],
    speed: [f64; 3],
    mass: f64,
}

pub fn nbody(n: i64) -> i64 {
    const DT: f64 = 0.01;
    let mut bodies = [
        Body { at: [0.0, 0.0, 0.0], speed: [0.0, 0.0, 0.0], mass: 39.47 },
        Body { at: [4.84, -1.16, -0.10], speed: [0.606, 2.81, -0.02], mass: 0.037 },
        Body { at: [8.34, 4.12, -0.4], speed: [-1.01, 1.82, 0.008], mass: 0.011 },
        Body { at: [12.89, -15.11, -0.22], speed: [1.08, 0.868, -0.010], mass: 0.0017 },
        Body { at: [15.37, -25.9, 0.179], speed: [0.979, 0.594, -0.034], mass: 0.0020 },
    ];
    for _ in 0..n {
        let mut rest = &mut bodies[..];
        while let Some((a, others)) = rest.split_first_mut() {
            for b in &mut *others {
                let [dx, dy, dz] = [0, 1, 2].map(|axis| a.at[axis] - b.at[axis]);
                let square = dx * dx + dy * dy + dz * dz;
                let pull = DT / (square * square.sqrt());
                let (near, far) = (b.mass * pull, a.mass * pull);
                for (axis, distance) in [dx, dy, dz].into_iter().enumerate() {
                    a.speed[axis] -= distance * near;
                    b.speed[axis] += distance * far;
                }
            }
            rest = others;
        }
        for body in &mut bodies {
            for axis in 0..3 {
                body.at[axis] += DT * body.speed[axis];
            }
        }
    }
    let check =
        bodies.iter().fold(0.0, |check, b| check + b.at[0] + 2.0 * b.at[1] + 3.0 * b.speed[2]);
    (check * 1e9).floor() as i64
}

struct Fields {
    alpha: i64,
    beta: i64,
    gamma: i64,
    delta: i64,
}

pub fn fields(n: i64) -> i64 {
    let mut r = Fields { alpha: 1, beta: 2, gamma: 3, delta: 4 };
    for _ in 0..n {
        // In memory, as everybody else's fields are.
        let r = black_box(&mut r);
        r.alpha = (r.alpha + r.beta) % 65_521;
        r.beta = (r.beta + r.gamma) % 65_521;
        r.gamma = (r.gamma + r.delta) % 65_521;
        r.delta = (r.delta + r.alpha + 1) % 65_521;
    }
    r.alpha + r.beta + r.gamma + r.delta
}
