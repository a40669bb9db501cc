function run(n)
  local notes = {}
  local totals = {missing = 0, dear = 0, cheap = 0}
  for i = 0, n - 1 do
    local item = lookup({kind = "price", id = i})
    if item.stock == 0 then
      totals.missing = totals.missing + 1
    elseif item.price > 50 then
      totals.dear = totals.dear + item.price
      notes[#notes + 1] = item.name:upper() .. ": " .. item.price
    else
      totals.cheap = totals.cheap + item.price
    end
  end
  return #table.concat(notes, "\n") + totals.missing + totals.dear + totals.cheap
end
