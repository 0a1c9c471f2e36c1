--- The line for a status line: `◐ 2 ✕ 3 ?1`. Empty when there is nothing to tell. Starts nothing.

local M = {}

---@return string
function M.text()
  local app = package.loaded["pillion.app"]
  local owner = app and app.peek()
  if not owner then
    return ""
  end
  local counts = require("pillion.state").counts(owner.state)
  local parts = {}
  if counts.running > 0 then
    parts[#parts + 1] = "◐ " .. counts.running
  end
  if counts.failed > 0 then
    parts[#parts + 1] = "✕ " .. counts.failed
  end
  if counts.questions > 0 then
    parts[#parts + 1] = "?" .. counts.questions
  end
  return table.concat(parts, " ")
end

return M
