function run(n, text)
  local counts = {}
  for word in text:gmatch("%S+") do
    counts[word] = (counts[word] or 0) + 1
  end

  local check = 0
  for _ in pairs(counts) do check = check + 1 end
  for _, count in pairs(counts) do
    check = (check + count * count) % 2147483647
  end
  return check
end
