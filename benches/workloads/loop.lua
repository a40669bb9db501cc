function run(n)
  local x = 1
  for i = 0, n - 1 do
    x = ((x * 48271) ~ i) & 0x7fffffff
  end
  return x
end
