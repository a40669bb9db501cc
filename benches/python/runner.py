"""Runs one workload in CPython for the benchmark: a run a line of input, `check nanoseconds` a line of output."""

import sys
import time

sys.setrecursionlimit(10_000)
size, length = map(int, sys.stdin.buffer.readline().split())
content = sys.stdin.buffer.read(length).decode()
space = {"__name__": "workload"}
with open(sys.argv[1], encoding="utf-8") as file:
    exec(compile(file.read(), sys.argv[1], "exec"), space)

for _ in sys.stdin.buffer:
    begin = time.perf_counter_ns()
    check = space["run"](size, content)
    print(check, time.perf_counter_ns() - begin, flush=True)
