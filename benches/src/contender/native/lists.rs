//! Workloads on lists.

pub fn sieve(n: usize) -> i64 {
    let mut composite = vec![false; n];
    let mut count = 0;
    for i in 2..n {
        if !composite[i] {
            count += 1;
            for j in (i * i..n).step_by(i) {
                composite[j] = true;
            }
        }
    }
    count
}

pub fn matrix(n: usize) -> i64 {
    let table = |cell: fn(usize, usize) -> f64| -> Vec<Vec<f64>> {
        (0..n).map(|i| (0..n).map(|j| cell(i, j)).collect()).collect()
    };
    let a = table(|i, j| (i * j % 7) as f64 + 0.5);
    let b = table(|i, j| ((i + j) % 5) as f64 - 1.5);
    let mut check = 0.0;
    for (i, row) in a.iter().enumerate() {
        let line: Vec<f64> = (0..n)
            .map(|j| row.iter().zip(&b).fold(0.0, |cell, (x, column)| cell + x * column[j]))
            .collect();
        for (j, cell) in line.iter().enumerate() {
            check += cell * ((i + 2 * j) % 3) as f64;
        }
    }
    (check * 4.0) as i64
}

pub fn quicksort(n: usize) -> i64 {
    let mut x = 1;
    let mut xs: Vec<i64> = (0..n)
        .map(|_| {
            x = (x * 48_271 + 11) % 2_147_483_647;
            x
        })
        .collect();
    let mut stack = vec![(0, n as i64 - 1)];
    while let Some((mut low, mut high)) = stack.pop() {
        while low < high {
            let pivot = xs[((low + high) / 2) as usize];
            let (mut i, mut j) = (low, high);
            while i <= j {
                while xs[i as usize] < pivot {
                    i += 1;
                }
                while xs[j as usize] > pivot {
                    j -= 1;
                }
                if i <= j {
                    xs.swap(i as usize, j as usize);
                    i += 1;
                    j -= 1;
                }
            }
            if j - low < high - i {
                stack.push((i, high));
                high = j;
            } else {
                stack.push((low, j));
                low = i;
            }
        }
    }
    xs.iter().fold(0, |check, x| (check * 31 + x) % 2_147_483_647)
}
