function run(n)
  local a, b = {}, {}
  for i = 0, n - 1 do
    local row, line = {}, {}
    for j = 0, n - 1 do
      row[j] = (i * j) % 7 + 0.5
      line[j] = (i + j) % 5 - 1.5
    end
    a[i], b[i] = row, line
  end

  local c = {}
  for i = 0, n - 1 do
    local row, line = a[i], {}
    for j = 0, n - 1 do
      local cell = 0.0
      for k = 0, n - 1 do
        cell = cell + row[k] * b[k][j]
      end
      line[j] = cell
    end
    c[i] = line
  end

  local check = 0.0
  for i = 0, n - 1 do
    for j = 0, n - 1 do
      check = check + c[i][j] * ((i + 2 * j) % 3)
    end
  end
  return math.floor(check * 4)
end
