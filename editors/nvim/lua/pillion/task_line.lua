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

---@class pillion.TaskView what a row knows beside its task
---@field elapsed? integer ms
---@field tasks? table<string, pillion.Task> for the names of those that it waits for
---@field wide? boolean there is room for all that a run has changed

--- Who a task waits for, as a person knows it.
local function holder_name(task, tasks)
  local holder = task.waitingFor.holder
  local other = holder and tasks and tasks[holder]
  if not other then
    return holder -- `process 4242`, or a task that is not in the list
  end
  return other.command == task.command and other.cwd == task.cwd and "the same command before it"
    or other.label
end

local nobody = { slot = "a free slot", lock = "a lock", dependency = "what comes before it" }

local function waiting(task, tasks)
  local on = task.waitingFor
  if not on then
    return nil
  elseif on.kind == "input" or on.kind == "permission" then
    return on.question
  end
  return "waits for " .. (holder_name(task, tasks) or nobody[on.kind] or "a " .. on.kind)
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

--- Who stopped it, unless it was the person.
local function stopped(task)
  local by = task.stoppedBy
  if by == "agent" then
    return "stopped by the agent"
  elseif by == "limit" then
    return "stopped by a limit"
  elseif by == "exit" then
    return task.lifetime == "turn" and "stopped with its turn" or "stopped with its window"
  end
  return protocol.words.killed
end

local function ended_detail(task, wide)
  local summary = notification.short(task.summary, wide)
  local parts = {}
  if task.status == "succeeded" then
    parts[1] = summary or protocol.words.succeeded
  elseif task.status == "failed" then
    local failed = task.progress and task.progress.failed or 0
    parts[1] = summary
      or (failed > 0 and ("%d failed"):format(failed))
      or (task.exitCode and ("failed (%d)"):format(task.exitCode) or protocol.words.failed)
  elseif task.status == "killed" then
    parts[1] = stopped(task)
  else
    parts[1] = protocol.words[task.status]
  end
  if task.flaky then
    parts[#parts + 1] = ("flaky: attempt %d of %d"):format(task.attempt, task.maxAttempts)
  end
  if task.wantedAnswer then
    parts[#parts + 1] = "may have wanted an answer"
  end
  if (task.stragglers or 0) > 0 then
    parts[#parts + 1] = ("%d left running"):format(task.stragglers)
  end
  return parts
end

--- What is said of a task after its label: words, progress, time.
---@param task pillion.Task
---@param view? pillion.TaskView
---@return string[]
function M.parts(task, view)
  view = view or {}
  local parts
  local ended = protocol.is_final(task.status)
  if ended then
    parts = ended_detail(task, view.wide)
  elseif protocol.needs_person(task) then
    parts = { protocol.words.waiting_for_input, waiting(task) }
  elseif task.status == "queued" then
    parts = { protocol.words.queued, waiting(task, view.tasks) }
  else
    parts = live_detail(task)
    parts[#parts + 1] = waiting(task, view.tasks)
  end
  if task.stopping then
    parts[#parts + 1] = "stopping"
  end
  if (task.attempt or 1) > 1 and not ended then
    parts[#parts + 1] = ("attempt %d of %d"):format(task.attempt, task.maxAttempts)
  end
  if task.watching then
    parts[#parts + 1] = "watching"
  end
  if task.unsaved and #task.unsaved > 0 then
    parts[#parts + 1] = ("%d unsaved"):format(#task.unsaved)
  end
  if task.owned == false then
    parts[#parts + 1] = "other window"
  end
  -- How long a server has been up is no news, and a row that stands still is calmer.
  local counts = task.startedAt and task.status ~= "queued" and (ended or not task.ready)
  if counts then
    parts[#parts + 1] = M.duration(view.elapsed, not ended)
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
