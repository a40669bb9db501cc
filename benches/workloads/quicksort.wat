(module
  ;; The stack of parts in the first page, the numbers behind it, eight bytes each.
  (memory 1)
  (func (export "run") (param $n i64) (result i64)
    (local $count i32) (local $k i32) (local $top i32)
    (local $low i32) (local $high i32) (local $i i32) (local $j i32)
    (local $x i64) (local $pivot i64) (local $check i64)
    (local.set $count (i32.wrap_i64 (local.get $n)))
    (drop (memory.grow (i32.add (i32.shr_u (local.get $count) (i32.const 13)) (i32.const 1))))
    (local.set $x (i64.const 1))
    (loop $fill
      (local.set $x
        (i64.rem_s
          (i64.add (i64.mul (local.get $x) (i64.const 48271)) (i64.const 11))
          (i64.const 2147483647)))
      (i64.store offset=65536 (i32.shl (local.get $k) (i32.const 3)) (local.get $x))
      (local.set $k (i32.add (local.get $k) (i32.const 1)))
      (br_if $fill (i32.lt_s (local.get $k) (local.get $count))))

    (i32.store (i32.const 0) (i32.const 0))
    (i32.store (i32.const 4) (i32.sub (local.get $count) (i32.const 1)))
    (local.set $top (i32.const 8))
    (loop $parts
      (local.set $top (i32.sub (local.get $top) (i32.const 8)))
      (local.set $low (i32.load (local.get $top)))
      (local.set $high (i32.load offset=4 (local.get $top)))
      (block $sorted
        (loop $part
          (br_if $sorted (i32.ge_s (local.get $low) (local.get $high)))
          (local.set $pivot
            (i64.load offset=65536
              (i32.shl
                (i32.shr_u (i32.add (local.get $low) (local.get $high)) (i32.const 1))
                (i32.const 3))))
          (local.set $i (local.get $low))
          (local.set $j (local.get $high))
          (block $split
            (loop $swap
              (br_if $split (i32.gt_s (local.get $i) (local.get $j)))
              (block $found
                (loop $right
                  (br_if $found
                    (i64.ge_s
                      (i64.load offset=65536 (i32.shl (local.get $i) (i32.const 3)))
                      (local.get $pivot)))
                  (local.set $i (i32.add (local.get $i) (i32.const 1)))
                  (br $right)))
              (block $found
                (loop $left
                  (br_if $found
                    (i64.le_s
                      (i64.load offset=65536 (i32.shl (local.get $j) (i32.const 3)))
                      (local.get $pivot)))
                  (local.set $j (i32.sub (local.get $j) (i32.const 1)))
                  (br $left)))
              (if (i32.le_s (local.get $i) (local.get $j))
                (then
                  (local.set $x
                    (i64.load offset=65536 (i32.shl (local.get $i) (i32.const 3))))
                  (i64.store offset=65536 (i32.shl (local.get $i) (i32.const 3))
                    (i64.load offset=65536 (i32.shl (local.get $j) (i32.const 3))))
                  (i64.store offset=65536 (i32.shl (local.get $j) (i32.const 3)) (local.get $x))
                  (local.set $i (i32.add (local.get $i) (i32.const 1)))
                  (local.set $j (i32.sub (local.get $j) (i32.const 1)))))
              (br $swap)))
          (if (i32.lt_s
                (i32.sub (local.get $j) (local.get $low))
                (i32.sub (local.get $high) (local.get $i)))
            (then
              (i32.store (local.get $top) (local.get $i))
              (i32.store offset=4 (local.get $top) (local.get $high))
              (local.set $high (local.get $j)))
            (else
              (i32.store (local.get $top) (local.get $low))
              (i32.store offset=4 (local.get $top) (local.get $j))
              (local.set $low (local.get $i))))
          (local.set $top (i32.add (local.get $top) (i32.const 8)))
          (br $part)))
      (br_if $parts (i32.gt_s (local.get $top) (i32.const 0))))

    (local.set $k (i32.const 0))
    (loop $sum
      (local.set $check
        (i64.rem_s
          (i64.add
            (i64.mul (local.get $check) (i64.const 31))
            (i64.load offset=65536 (i32.shl (local.get $k) (i32.const 3))))
          (i64.const 2147483647)))
      (local.set $k (i32.add (local.get $k) (i32.const 1)))
      (br_if $sum (i32.lt_s (local.get $k) (local.get $count))))
    (local.get $check)))
