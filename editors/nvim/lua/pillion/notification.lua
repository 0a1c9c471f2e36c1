--- Reads the short facts (status, command, summary, duration) out of the text that the model was given
--- when tasks ended. The text itself is shown untouched; this is only for the folded row. Pure.

local M = {}

---@class pillion.NotifiedTask
---@field id string
---@field status string
---@field command string
---@field summary? string
---@field duration? string

local entities = { ["&lt;"] = "<", ["&gt;"] = ">", ["&amp;"] = "&" }

local function field(block, name)
  local value = block:match("<" .. name .. ">%s*(.-)%s*</" .. name .. ">")
  return value and value ~= "" and (value:gsub("&%a+;", entities)) or nil
end

--- What a summary comes down to in a row: `3 failed (2 new)`, else what passed.
---@param summary? string
---@param wide? boolean all that has changed: `3 failed (2 new, 1 still failing, 1 fixed)`
---@return string?
function M.short(summary, wide)
  if type(summary) ~= "string" or summary == "" then
    return nil
  end
  local line = summary:match("^[^\n]*")
  local found, delta = line:match("^(.-)%s*%((.+) since [^()]+%)$")
  found = found or line
  local failed = found:match("%d+ failed")
  local short = failed and failed ~= "0 failed" and failed or found:match("%d+ passed") or found
  local changes = wide and delta or (delta or ""):match("%d+ new")
  return changes and ("%s (%s)"):format(short, changes) or short
end

--- The tasks that a text tells of, in its order.
---@param text string
---@return pillion.NotifiedTask[]
function M.parse(text)
  local tasks = {}
  for block in text:gmatch("<task_notification>(.-)</task_notification>") do
    tasks[#tasks + 1] = {
      id = field(block, "task_id") or "",
      status = field(block, "status") or "",
      command = field(block, "command") or field(block, "task_id") or "task",
      summary = field(block, "summary"),
      duration = field(block, "duration"),
    }
  end
  return tasks
end

return M
