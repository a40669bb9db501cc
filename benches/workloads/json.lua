local byte, sub = string.byte, string.sub
local value

-- Every function gives what it read and where it ended.
local function str(text, start)
  local at = start
  while byte(text, at) ~= 34 do at = at + 1 end
  return sub(text, start, at - 1), at + 1
end

local function array(text, at)
  local items = {}
  while byte(text, at) ~= 93 do
    if byte(text, at) == 44 then at = at + 1 end
    items[#items + 1], at = value(text, at)
  end
  return items, at + 1
end

local function object(text, at)
  local fields = {}
  while byte(text, at) ~= 125 do
    if byte(text, at) == 44 then at = at + 1 end
    local key, field
    key, at = value(text, at)
    field, at = value(text, at + 1)
    fields[key] = field
  end
  return fields, at + 1
end

function value(text, at)
  local first = byte(text, at)
  if first == 32 then return value(text, at + 1) end
  if first == 123 then return object(text, at + 1) end
  if first == 91 then return array(text, at + 1) end
  if first == 34 then return str(text, at + 1) end
  if first == 116 then return true, at + 4 end
  if first == 102 then return false, at + 5 end
  if first == 110 then return nil, at + 4 end
  local number, digit = 0, first - 48
  while digit >= 0 and digit <= 9 do
    number = number * 10 + digit
    at = at + 1
    digit = byte(text, at) - 48
  end
  return number, at
end

function run(n, text)
  local parsed = value(text, 1)
  local check = 0
  for _, item in ipairs(parsed) do
    check = check + item.id + #item.name + #item.tags
    if item.ok then check = check + 1 end
  end
  return check
end
