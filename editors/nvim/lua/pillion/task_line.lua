--- What is said of a task in one row, wherever one stands: icon, words, progress, time. Pure.

local notification = require("pillion.notification")
local protocol = require("pillion.protocol")

local M = {}

--- `8s` while it runs, `12.4s` when it is over, `2m 05s` from a minute on.
---@param ms? integer
---@param live boolean
---@return string?
function M.duration(ms, live)
  if not ms then
    return nil
  end
  if ms >= 60000 then
    local seconds = math.floor(ms / 1000)
    return ("%dm %02ds"):format(math.floor(seconds / 60), seconds % 60)
  end
  return live and ("%ds"):format(math.floor(ms / 1000)) or ("%.1fs"):format(ms / 1000)
end

local function waiting(task)
  local on = task.waitingFor
  if not on then
    return nil
  elseif on.kind == "input" or on.kind == "permission" then
    return on.question
  end
  return "waits for " .. (on.kind == "lock" and (on.holder or "a lock") or on.holder or "a " .. on.kind)
end

local function live_detail(task)
  local progress = task.progress or {}
  local parts = {}
  if progress.message and progress.message ~= "" then
    parts[#parts + 1] = progress.message
  end
  local failed = progress.failed or 0
  if failed > 0 and not (progress.message or ""):find("failed", 1, true) then
    parts[#parts + 1] = ("%d failed"):format(failed)
  end
  return parts
end

local function ended_detail(task)
  local parts = {}
  if task.status == "succeeded" then
    parts[1] = notification.short(task.summary) or protocol.words.succeeded
  elseif task.status == "failed" then
    local failed = task.progress and task.progress.failed or 0
    parts[1] = notification.short(task.summary)
      or (failed > 0 and ("%d failed"):format(failed))
      or (task.exitCode and ("failed (%d)"):format(task.exitCode) or protocol.words.failed)
  elseif task.status == "killed" and (task.stoppedBy == "agent" or task.stoppedBy == "limit") then
    parts[1] = protocol.words.killed .. " by " .. (task.stoppedBy == "agent" and "the agent" or "a limit")
  else
    parts[1] = protocol.words[task.status]
  end
  if task.flaky then
    parts[#parts + 1] = "flaky?"
  end
  if (task.stragglers or 0) > 0 then
    parts[#parts + 1] = ("%d left running"):format(task.stragglers)
  end
  return parts
end

--- What is said of a task after its label: words, progress, time.
---@param task pillion.Task
---@param elapsed? integer
---@return string[]
function M.parts(task, elapsed)
  local parts
  local ended = protocol.is_final(task.status)
  if ended then
    parts = ended_detail(task)
  elseif protocol.needs_person(task) then
    parts = { protocol.words.waiting_for_input, waiting(task) }
  elseif task.status == "queued" then
    parts = { protocol.words.queued, waiting(task) }
  else
    parts = live_detail(task)
    parts[#parts + 1] = waiting(task)
  end
  if task.stopping and not ended then
    parts[#parts + 1] = "stopping"
  end
  if (task.maxAttempts or 1) > 1 and not ended then
    parts[#parts + 1] = ("attempt %d of %d"):format(task.attempt or 1, task.maxAttempts)
  end
  if task.unsaved and #task.unsaved > 0 then
    parts[#parts + 1] = ("%d unsaved"):format(#task.unsaved)
  end
  if task.owned == false then
    parts[#parts + 1] = "other window"
  end
  if task.status ~= "queued" then
    parts[#parts + 1] = M.duration(elapsed, not ended)
  end
  return parts
end

--- The icon and the highlight of a task as it stands.
---@param task pillion.Task
---@return string icon
---@return string highlight
function M.icon(task)
  local status = protocol.needs_person(task) and "waiting_for_input" or task.status
  return protocol.icons[status] or "◐", protocol.highlight(status)
end

return M
