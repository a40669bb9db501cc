function run(n)
  local xs, x = {}, 1
  for k = 0, n - 1 do
    x = (x * 48271 + 11) % 2147483647
    xs[k] = x
  end

  local stack, top = {0, n - 1}, 2
  while top > 0 do
    local low, high = stack[top - 1], stack[top]
    top = top - 2
    while low < high do
      local pivot = xs[(low + high) // 2]
      local i, j = low, high
      while i <= j do
        while xs[i] < pivot do i = i + 1 end
        while xs[j] > pivot do j = j - 1 end
        if i <= j then
          xs[i], xs[j] = xs[j], xs[i]
          i, j = i + 1, j - 1
        end
      end
      if j - low < high - i then
        stack[top + 1], stack[top + 2] = i, high
        high = j
      else
        stack[top + 1], stack[top + 2] = low, j
        low = i
      end
      top = top + 2
    end
  end

  local check = 0
  for k = 0, n - 1 do
    check = (check * 31 + xs[k]) % 2147483647
  end
  return check
end
