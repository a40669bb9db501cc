function run(n)
  local parts = {}
  for i = 0, n - 1 do
    parts[#parts + 1] = "item " .. i
  end
  local text = table.concat(parts, "; ")

  local lines, line = 0, ""
  for i = 0, n - 1 do
    line = line .. "x"
    if #line == 80 then
      lines, line = lines + 1, ""
    end
  end
  return #text + lines
end
