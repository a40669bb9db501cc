function run(n)
  local r = {alpha = 1, beta = 2, gamma = 3, delta = 4}
  for i = 0, n - 1 do
    r.alpha = (r.alpha + r.beta) % 65521
    r.beta = (r.beta + r.gamma) % 65521
    r.gamma = (r.gamma + r.delta) % 65521
    r.delta = (r.delta + r.alpha + 1) % 65521
  end
  return r.alpha + r.beta + r.gamma + r.delta
end
