--- `:Pillion undo`: takes back what the newest turn that edited files did to them, and says what it did.
--- It asks nothing: what somebody wrote since is refused by the server, and an undo of a buffer brings it back.

local effects = require("pillion.effects")
local protocol = require("pillion.protocol")
local state = require("pillion.state")

local M = {}

local methods = protocol.methods

--- Files that are named; the rest is counted.
local NAMED = 3

local function short(path)
  return vim.fn.fnamemodify(path, ":~:.")
end

--- What was taken back, in a line.
---@param changes {path: string}[]
---@return string
local function told(changes)
  local paths, known = {}, {}
  for _, change in ipairs(changes) do
    if not known[change.path] then
      known[change.path] = true
      paths[#paths + 1] = short(change.path)
    end
  end
  table.sort(paths)
  local more = #paths - NAMED
  local names = table.concat(vim.list_slice(paths, 1, NAMED), ", ")
  return names .. (more > 0 and (" and %d more"):format(more) or "")
end

--- A clean buffer of a file that is gone would only show what is not there.
local function forget_removed(changes)
  for _, change in ipairs(changes) do
    local buffer = change.kind == "create"
        and vim.fn.bufnr("^" .. vim.fn.escape(change.path, "\\[]{}*?,") .. "$")
      or -1
    local gone = buffer > 0 and not vim.uv.fs_stat(change.path)
    if gone and not vim.bo[buffer].modified then
      pcall(vim.api.nvim_buf_delete, buffer, {})
    end
  end
end

--- The newest turn with an edit that is still pending.
---@param changes {turnId: string, state: string}[] oldest first
---@return string?
local function newest_turn(changes)
  for index = #changes, 1, -1 do
    if changes[index].state == "pending" then
      return changes[index].turnId
    end
  end
end

---@param owner pillion.App
function M.last_turn(owner)
  local session = state.current(owner.state)
  if not session then
    return effects.say("there is nothing to undo")
  end
  owner:request(methods.change_list, { sessionId = session.id }, function(list)
    local turn = newest_turn(list.changes or {})
    if not turn then
      return effects.say("there is nothing to undo")
    end
    owner:request(methods.change_revert, { sessionId = session.id, turnId = turn }, function(reply)
      forget_removed(reply.changes)
      owner:reload()
      effects.say("undone: " .. told(reply.changes))
      for _, note in ipairs(reply.notes or {}) do
        effects.say(note, vim.log.levels.WARN)
      end
    end)
  end)
end

return M
