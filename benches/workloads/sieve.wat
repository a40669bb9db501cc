(module
  (memory 1)
  (func (export "run") (param $n i64) (result i64)
    (local $i i64) (local $j i64) (local $count i64)
    ;; A byte for each number; new pages are zero.
    (drop (memory.grow (i32.wrap_i64 (i64.shr_u (local.get $n) (i64.const 16)))))
    (local.set $i (i64.const 2))
    (block $done
      (loop $outer
        (br_if $done (i64.ge_s (local.get $i) (local.get $n)))
        (if (i32.eqz (i32.load8_u (i32.wrap_i64 (local.get $i))))
          (then
            (local.set $count (i64.add (local.get $count) (i64.const 1)))
            (local.set $j (i64.mul (local.get $i) (local.get $i)))
            (block $crossed
              (br_if $crossed (i64.ge_s (local.get $j) (local.get $n)))
              (loop $inner
                (i32.store8 (i32.wrap_i64 (local.get $j)) (i32.const 1))
                (local.set $j (i64.add (local.get $j) (local.get $i)))
                (br_if $inner (i64.lt_s (local.get $j) (local.get $n)))))))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br $outer)))
    (local.get $count)))
