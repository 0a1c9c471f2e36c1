--- The words of the wire contract: method names, the tasks' statuses and what a person reads for
--- them, and the types of what is sent. Mirrors the server's `protocol` module. It knows no editor
--- and no state.

local M = {}

M.VERSION = 1

---@alias pillion.Status
---| "queued" | "running" | "waiting_for_input" | "succeeded" | "failed" | "timed_out" | "killed" | "interrupted"

---@class pillion.Task the same object everywhere; fields of the contract that the plugin reads
---@field id string
---@field label string
---@field command string
---@field cwd string
---@field group string
---@field sessionId? string
---@field toolCallId? string
---@field parentToolCallId? string the call of the subagent whose call that is
---@field owned boolean false: another window's task
---@field status pillion.Status
---@field stopping boolean
---@field stoppedBy? "user"|"agent"|"limit"|"exit"
---@field run integer
---@field attempt integer
---@field maxAttempts integer
---@field flaky boolean
---@field runs? {run: integer, status: pillion.Status, startedBy?: "agent"|"user"|"watch", stoppedBy?: string}[]
---@field lifetime? "turn"|"session"|"detached"
---@field startedAt? string nil: it has not run
---@field elapsedMs? integer
---@field exitCode? integer
---@field stragglers integer
---@field waitingFor? pillion.WaitingFor
---@field unsaved string[]
---@field ready? {line: string, url?: string} a server that said that it is ready
---@field watching? boolean file changes run it again
---@field dependsOn string[] the tasks that have to succeed before it
---@field output? {path: string, bytes: integer, lines: integer, lastLine?: string, truncated: boolean}
---@field progress? {message?: string, percent?: number, passed?: integer, failed?: integer, skipped?: integer}
---@field summary? string
---@field wantedAnswer? string the last line of a run that ended for want of an input

---@class pillion.WaitingFor
---@field kind "input"|"permission"|"slot"|"lock"|"dependency"
---@field question? string
---@field holder? string
---@field options? {label: string, text: string}[] the answers that the question lists; `text` is sent as it stands
---@field secret? boolean the answer is not to be shown

---@class pillion.PermissionOption
---@field optionId string
---@field name string
---@field kind "allow_once"|"allow_always"|"reject_once"|"reject_always"

---@class pillion.ContentBlock
---@field type "text"|"image"|"resource_link"|"resource"
---@field text? string
---@field uri? string
---@field name? string
---@field range? table

--- Requests and notifications to the server.
M.methods = {
  session_new = "pillion/session/new",
  session_list = "pillion/session/list",
  session_load = "pillion/session/load",
  session_prompt = "pillion/session/prompt",
  session_queue = "pillion/session/queue", -- a prompt that still waits: taken out, or replaced
  session_cancel = "pillion/session/cancel",
  session_set_mode = "pillion/session/set_mode",
  session_set_model = "pillion/session/set_model",
  session_rename = "pillion/session/rename",
  session_delete = "pillion/session/delete",
  session_compact = "pillion/session/compact", -- cuts what requests hold of the conversation
  session_context = "pillion/session/context", -- what the model's window holds, in words
  session_export = "pillion/session/export",
  command_list = "pillion/command/list", -- the slash commands
  model_list = "pillion/model/list",
  secret_set = "pillion/secret/set", -- a provider's key
  permission_list = "pillion/permission/list", -- the rules that hold, and who made them
  permission_remove = "pillion/permission/remove",
  project_commands = "pillion/project/commands",
  task_start = "pillion/task/start",
  task_report = "pillion/task/report", -- a command that ran elsewhere
  task_list = "pillion/task/list", -- the plugin's own list follows `task_snapshot` and `task_status`
  task_get = "pillion/task/get",
  task_output = "pillion/task/output", -- also a notification from the server, after `task_follow`
  task_follow = "pillion/task/follow",
  task_stop = "pillion/task/stop",
  task_promote = "pillion/task/promote", -- the agent's foreground command goes on in the background
  task_input = "pillion/task/input",
  task_rerun = "pillion/task/rerun",
  task_dismiss = "pillion/task/dismiss",
  task_withhold = "pillion/task/withhold", -- no model is told of the end that was not yet
  task_set_priority = "pillion/task/set_priority",
  test_results = "pillion/test/results",
  change_list = "pillion/change/list", -- the agent's edits, with the diff and the hunks of each
  change_accept = "pillion/change/accept",
  change_revert = "pillion/change/revert",
  -- For an editor that lends its models; Neovim has none.
  model_offer = "pillion/model/offer",
  model_chunk = "pillion/model/chunk",
}

--- Messages from the server.
M.incoming = {
  update = "pillion/session/update",
  request_permission = "pillion/session/request_permission",
  document_save = "pillion/document/save",
  model_complete = "pillion/model/complete",
  diagnostics_get = "pillion/diagnostics/get", -- what other sources than Pillion show here
  task_status = "pillion/task/status",
  task_snapshot = "pillion/task/snapshot",
  task_output = "pillion/task/output",
}

M.errors = {
  method_not_found = -32601,
  unknown_session = -32010,
  unknown_task = -32011,
  state_forbids = -32012,
}

--- What a person reads for a status, the same in every editor.
---@type table<pillion.Status, string>
M.words = {
  queued = "queued",
  running = "running",
  waiting_for_input = "needs you",
  succeeded = "passed",
  failed = "failed",
  timed_out = "timed out",
  killed = "stopped",
  interrupted = "interrupted",
}

---@type table<pillion.Status, string>
M.icons = {
  queued = "○",
  running = "◐",
  waiting_for_input = "?",
  succeeded = "✓",
  failed = "✕",
  timed_out = "✕",
  killed = "■",
  interrupted = "■",
}

---@type table<pillion.Status, true>
local final = { succeeded = true, failed = true, timed_out = true, killed = true, interrupted = true }

--- Whether a run with this status is over.
---@param status pillion.Status
---@return boolean
function M.is_final(status)
  return final[status] == true
end

--- Whether there is something to stop: a run, what one left behind, or the watching of files.
---@param task pillion.Task
---@return boolean
function M.can_stop(task)
  return not final[task.status] or task.watching == true or (task.stragglers or 0) > 0
end

--- Whether a task waits for a person: for an answer on its standard input, or for a permission.
---@param task pillion.Task
---@return boolean
function M.needs_person(task)
  local waiting = task.waitingFor and task.waitingFor.kind
  return not final[task.status]
    and (task.status == "waiting_for_input" or waiting == "input" or waiting == "permission")
end

--- The highlight group of a status.
---@param status pillion.Status
---@return string
function M.highlight(status)
  if status == "succeeded" then
    return "PillionPassed"
  elseif status == "failed" or status == "timed_out" then
    return "PillionFailed"
  elseif status == "waiting_for_input" then
    return "PillionQuestion"
  elseif status == "running" then
    return "PillionRunning"
  end
  return "PillionMuted"
end

return M
