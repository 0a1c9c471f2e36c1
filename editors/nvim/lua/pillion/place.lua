--- Finds the place in a file that a line of output names: `src/auth.rs:41:9`, `src/a.ts(3,5)`,
--- `File "app.py", line 7`. Pure; it knows no file system.

local M = {}

---@class pillion.Place
---@field path string as it stands in the line
---@field line? integer 1-based
---@field column? integer 1-based

local PATH = "[^%s:()\"'`<>,=%[%]]+"

--- Each gives: where it begins, the path, line and column, where it ends.
local patterns = {
  '()"([^"]+)", line (%d+)()()',
  "()(" .. PATH .. ")%((%d+),(%d+)%)()",
  "()(" .. PATH .. "):(%d+):(%d+)()",
  "()(" .. PATH .. "):(%d+)()()",
}

--- The places that a line names, the one under `column` first.
---@param text string
---@param column integer 1-based, bytes
---@return pillion.Place[]
function M.find(text, column)
  local under, others = {}, {}
  for _, pattern in ipairs(patterns) do
    for first, path, line, at, last in text:gmatch(pattern) do
      local place = {
        path = path:gsub("^//+", "/"), -- of `file:///w/a.js:3:5`
        line = tonumber(line),
        column = type(at) == "string" and tonumber(at) or nil,
      }
      table.insert(column >= first and column < last and under or others, place)
    end
  end
  for first, path, last in text:gmatch("()(" .. PATH .. ")()") do
    if column >= first and column < last then
      table.insert(under, { path = path }) -- a path alone counts where one points at it
    end
  end
  return vim.list_extend(under, others)
end

return M
