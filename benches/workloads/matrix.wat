(module
  ;; a, b and c one behind the other, eight bytes a cell.
  (memory 64)
  (func (export "run") (param $n i64) (result i64)
    (local $size i32) (local $row i32) (local $b i32) (local $c i32)
    (local $i i32) (local $j i32) (local $k i32) (local $at i32) (local $cell f64)
    (local.set $size (i32.wrap_i64 (local.get $n)))
    (local.set $b (i32.shl (i32.mul (local.get $size) (local.get $size)) (i32.const 3)))
    (local.set $c (i32.shl (local.get $b) (i32.const 1)))
    (loop $rows
      (local.set $j (i32.const 0))
      (loop $columns
        (f64.store (local.get $at)
          (f64.add
            (f64.convert_i32_s (i32.rem_s (i32.mul (local.get $i) (local.get $j)) (i32.const 7)))
            (f64.const 0.5)))
        (f64.store (i32.add (local.get $at) (local.get $b))
          (f64.sub
            (f64.convert_i32_s (i32.rem_s (i32.add (local.get $i) (local.get $j)) (i32.const 5)))
            (f64.const 1.5)))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br_if $columns (i32.lt_s (local.get $j) (local.get $size))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $rows (i32.lt_s (local.get $i) (local.get $size))))

    (local.set $i (i32.const 0))
    (local.set $at (local.get $c))
    (loop $rows
      (local.set $row (i32.shl (i32.mul (local.get $i) (local.get $size)) (i32.const 3)))
      (local.set $j (i32.const 0))
      (loop $columns
        (local.set $cell (f64.const 0))
        (local.set $k (i32.const 0))
        (loop $cells
          (local.set $cell
            (f64.add (local.get $cell)
              (f64.mul
                (f64.load (i32.add (local.get $row) (i32.shl (local.get $k) (i32.const 3))))
                (f64.load
                  (i32.add (local.get $b)
                    (i32.shl
                      (i32.add (i32.mul (local.get $k) (local.get $size)) (local.get $j))
                      (i32.const 3)))))))
          (local.set $k (i32.add (local.get $k) (i32.const 1)))
          (br_if $cells (i32.lt_s (local.get $k) (local.get $size))))
        (f64.store (local.get $at) (local.get $cell))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br_if $columns (i32.lt_s (local.get $j) (local.get $size))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $rows (i32.lt_s (local.get $i) (local.get $size))))

    (local.set $i (i32.const 0))
    (local.set $at (local.get $c))
    (local.set $cell (f64.const 0))
    (loop $rows
      (local.set $j (i32.const 0))
      (loop $columns
        (local.set $cell
          (f64.add (local.get $cell)
            (f64.mul (f64.load (local.get $at))
              (f64.convert_i32_s
                (i32.rem_s
                  (i32.add (local.get $i) (i32.shl (local.get $j) (i32.const 1)))
                  (i32.const 3))))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br_if $columns (i32.lt_s (local.get $j) (local.get $size))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $rows (i32.lt_s (local.get $i) (local.get $size))))
    (i64.trunc_f64_s (f64.mul (local.get $cell) (f64.const 4)))))
