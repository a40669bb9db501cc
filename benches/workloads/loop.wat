(module
  (func (export "run") (param $n i64) (result i64)
    (local $x i64) (local $i i64)
    (local.set $x (i64.const 1))
    (block $done
      (br_if $done (i64.le_s (local.get $n) (i64.const 0)))
      (loop $again
        (local.set $x
          (i64.and
            (i64.xor (i64.mul (local.get $x) (i64.const 48271)) (local.get $i))
            (i64.const 0x7fffffff)))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br_if $again (i64.lt_s (local.get $i) (local.get $n)))))
    (local.get $x)))
