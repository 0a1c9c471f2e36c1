--- All that the plugin believes of the server: sessions, tasks and open questions, as a pure reducer
--- over the server's messages. No editor, no clock (`now` is handed in), no process. Rebuilt from
--- `session/load` and `task/snapshot`; nothing in it is the plugin's own opinion.
---
--- Every change comes back as a list of effects: `item`, `session`, `reset`, `tool_done`,
--- `turn_ended`, `unsent`, `switch`, `task`, `tasks`, `task_started`, `task_ended`, `question`, `question_closed`.

local protocol = require("pillion.protocol")
local transcript = require("pillion.transcript")

local M = {}

---@class pillion.Question
---@field id string
---@field kind "permission"|"input"
---@field title string what is asked
---@field session? string
---@field options? pillion.PermissionOption[] of a permission
---@field reason? string why a permission is asked for, where the call itself does not say it
---@field answers? {label: string, text: string}[] that an input question lists
---@field secret? boolean the answer is not to be shown
---@field tool_call? table
---@field parent? string the call of the subagent that asks
---@field task? pillion.Task

---@class pillion.State
---@field sessions table<string, pillion.Session>
---@field current? string the session that the chat shows
---@field tasks table<string, pillion.Task>
---@field task_seq table<string, integer> the newest seq seen of each task
---@field snapshot_seq integer
---@field permissions pillion.Question[] open, oldest first
---@field asked table<string, pillion.Question> the input question of a task that was told, while it is open
---@field task_of_call table<string, table<string, string>> of each session: a call's key to the task that it started
---@field seen_at table<string, integer> when a task was last told of, in ms of the caller's clock

---@return pillion.State
function M.new()
  return {
    sessions = {},
    current = nil,
    tasks = {},
    task_seq = {},
    snapshot_seq = -1,
    permissions = {},
    asked = {},
    task_of_call = {},
    seen_at = {},
  }
end

--- The server was started anew: its `seq` begins again and its old questions are gone. What is shown
--- stays until the snapshot and the replay replace it.
---@param state pillion.State
---@return table[] effects
function M.new_instance(state)
  state.snapshot_seq, state.task_seq = -1, {}
  local effects = {}
  for _, question in ipairs(state.permissions) do
    effects[#effects + 1] = { type = "question_closed", question = question }
  end
  state.permissions = {}
  for id, session in pairs(state.sessions) do
    session.turn = nil
    effects[#effects + 1] = { type = "session", session = id }
  end
  return effects
end

--- The session with this id, created on first sight: a notification may overtake the answer.
---@param state pillion.State
---@param id string
---@return pillion.Session
function M.session(state, id)
  local session = state.sessions[id]
  if not session then
    session = transcript.new(id)
    state.sessions[id] = session
  end
  return session
end

---@param state pillion.State
---@return pillion.Session?
function M.current(state)
  return state.current and state.sessions[state.current]
end

---@param task pillion.Task
---@return pillion.Question
local function input_question(task)
  local on = task.waitingFor or {}
  return {
    id = ("input:%s:%d:%s"):format(task.id, task.run or 1, on.question or ""),
    kind = "input",
    session = task.sessionId,
    title = ("%s: %s"):format(task.label, on.question or "waits for an answer"),
    task = task,
    answers = on.options or {},
    secret = on.secret,
  }
end

local function waits_for_input(task)
  return task.status == "waiting_for_input"
    or (not protocol.is_final(task.status) and task.waitingFor ~= nil and task.waitingFor.kind == "input")
end

--- Links a task to the tool call that started it, and marks every row that shows it.
local function touch_items(state, task, effects)
  local session = task.sessionId and state.sessions[task.sessionId]
  local call = task.toolCallId and transcript.call_key(task.toolCallId, task.parentToolCallId)
  local index = session and call and session.by_id[call]
  if task.sessionId and call then
    state.task_of_call[task.sessionId] = state.task_of_call[task.sessionId] or {}
    state.task_of_call[task.sessionId][call] = task.id
  end
  if session and index then
    transcript.tie(session, index, task.id)
  end
  for _, owner in pairs(state.sessions) do
    for _, at in ipairs(owner.by_task[task.id] or {}) do
      effects[#effects + 1] = { type = "item", session = owner.id, index = at }
    end
  end
end

local function set_task(state, task, now)
  state.tasks[task.id] = task
  state.seen_at[task.id] = now
end

--- Another window's question is asked there.
local function ask_input(state, task, effects)
  local before = state.asked[task.id]
  local question = task.owned ~= false and waits_for_input(task) and input_question(task) or nil
  if before and question and before.id == question.id then
    return
  end
  state.asked[task.id] = question
  if before then
    effects[#effects + 1] = { type = "question_closed", question = before }
  end
  if question then
    effects[#effects + 1] = { type = "question", question = question }
  end
end

local function apply_status(state, params, now, effects)
  local task, seq = params.task, params.seq or 0
  if seq <= (state.task_seq[task.id] or state.snapshot_seq) then
    return -- older than what is known
  end
  local before = state.tasks[task.id]
  state.task_seq[task.id] = seq
  set_task(state, task, now)
  touch_items(state, task, effects)
  effects[#effects + 1] = { type = "task", task = task }

  local same_run = before and before.run == task.run
  local ended = protocol.is_final(task.status)
  -- Between two attempts a run is queued again; what is over without a start has not begun.
  local had_begun = same_run and (before.status ~= "queued" or (task.attempt or 1) > 1)
  if not had_begun and task.status ~= "queued" and not (ended and not task.startedAt) then
    effects[#effects + 1] = { type = "task_started", task = task }
  end
  if ended and not (same_run and protocol.is_final(before.status)) then
    effects[#effects + 1] = { type = "task_ended", task = task }
  end
  ask_input(state, task, effects)
end

local function apply_snapshot(state, params, now, effects)
  local seq = params.seq or 0
  if seq <= state.snapshot_seq then
    return
  end
  state.snapshot_seq = seq
  local before = state.tasks
  state.tasks, state.task_seq, state.seen_at = {}, {}, {}
  for _, task in ipairs(params.tasks or {}) do
    state.task_seq[task.id] = seq
    set_task(state, task, now)
    touch_items(state, task, effects)
    ask_input(state, task, effects)
    local known = before[task.id]
    if known and not protocol.is_final(known.status) and protocol.is_final(task.status) then
      effects[#effects + 1] = { type = "task_ended", task = task }
    end
  end
  effects[#effects + 1] = { type = "tasks" }
end

--- Applies one notification of the server.
---@param state pillion.State
---@param method string
---@param params table
---@param now integer milliseconds, any monotonic clock
---@return table[] effects
function M.apply(state, method, params, now)
  local effects = {}
  if method == protocol.incoming.update then
    local session = M.session(state, params.sessionId)
    transcript.apply(session, params, effects)
    local id = params.update.toolCallId
    local call = id and transcript.call_key(id, params.parentToolCallId)
    local task = call and (state.task_of_call[params.sessionId] or {})[call]
    if task then -- it was told of before its tool call
      transcript.tie(session, session.by_id[call], task)
    end
  elseif method == protocol.incoming.task_status then
    apply_status(state, params, now, effects)
  elseif method == protocol.incoming.task_snapshot then
    apply_snapshot(state, params, now, effects)
  end
  return effects
end

--- Takes the answer of `session/new` or `session/load` and shows that session.
---@param state pillion.State
---@param reply table
---@return table[] effects
function M.open_session(state, reply)
  transcript.describe(M.session(state, reply.sessionId), reply)
  state.current = reply.sessionId
  return { { type = "reset", session = reply.sessionId }, { type = "session", session = reply.sessionId } }
end

--- A permission question came, maybe again: after a reload it is asked with the id that it had.
---@param state pillion.State
---@param params table params of `pillion/session/request_permission`
---@return table[] effects
function M.ask(state, params)
  local question = {
    id = params.questionId,
    kind = "permission",
    session = params.sessionId,
    title = params.toolCall.title or params.toolCall.name or "a tool",
    tool_call = params.toolCall,
    parent = params.parentToolCallId,
    options = params.options or {},
    reason = type(params.reason) == "string" and params.reason or nil,
  }
  local effects = {}
  transcript.preview(M.session(state, params.sessionId), params, effects)
  for index, open in ipairs(state.permissions) do
    if open.id == question.id then
      state.permissions[index] = question
      return effects
    end
  end
  table.insert(state.permissions, question)
  table.insert(effects, { type = "question", question = question })
  table.insert(effects, { type = "session", session = params.sessionId })
  return effects
end

--- A permission question is answered or withdrawn.
---@param state pillion.State
---@param id string
---@return table[] effects
function M.close_question(state, id)
  for index, open in ipairs(state.permissions) do
    if open.id == id then
      table.remove(state.permissions, index)
      return {
        { type = "question_closed", question = open },
        { type = "session", session = open.session },
      }
    end
  end
  return {}
end

--- Every open question, permissions first, each kind oldest first.
---@param state pillion.State
---@return pillion.Question[]
function M.questions(state)
  local all = {}
  for _, question in ipairs(state.permissions) do
    all[#all + 1] = question
  end
  for _, task in ipairs(M.tasks(state)) do
    if task.owned ~= false and waits_for_input(task) then
      all[#all + 1] = input_question(task)
    end
  end
  return all
end

local rank = { waiting_for_input = 1, running = 2, queued = 3 }

local function rank_of(task)
  return protocol.needs_person(task) and 1 or rank[task.status] or (task.watching and 4 or 5)
end

--- All tasks in the order of the list: what needs someone, what runs, what waits, for a change of files
--- too, then what is over, newest first.
---@param state pillion.State
---@return pillion.Task[]
function M.tasks(state)
  local all = {}
  for _, task in pairs(state.tasks) do
    all[#all + 1] = task
  end
  table.sort(all, function(a, b)
    local left, right = rank_of(a), rank_of(b)
    if left ~= right then
      return left < right
    end
    local at, bt = a.endedAt or a.createdAt or "", b.endedAt or b.createdAt or ""
    if at ~= bt then
      return at > bt
    end
    return a.id > b.id
  end)
  return all
end

--- How long a task's run has taken, in ms: what the server said, and the time since.
---@param state pillion.State
---@param task pillion.Task
---@param now integer
---@return integer?
function M.elapsed(state, task, now)
  if not task.elapsedMs then
    return nil
  end
  if task.status == "running" or task.status == "waiting_for_input" then
    return task.elapsedMs + math.max(0, now - (state.seen_at[task.id] or now))
  end
  return task.elapsedMs
end

local function not_started(task)
  return not task.startedAt and #(task.dependsOn or {}) > 0
end

--- The numbers of the status line, of this window's tasks. `failed` counts failed tests where they are
--- known, else failed commands; of several tasks with the same command and directory only the newest
--- counts, and what did not start because another one failed does not count once more.
---@param state pillion.State
---@return {running: integer, failed: integer, questions: integer}
function M.counts(state)
  local counts = { running = 0, failed = 0, questions = #M.questions(state) }
  local newest = {} ---@type table<string, pillion.Task>
  for _, task in pairs(state.tasks) do
    local own = task.owned ~= false -- another window's is counted there
    if own and task.status == "running" then
      counts.running = counts.running + 1
    elseif own and protocol.is_final(task.status) then
      local key = (task.cwd or "") .. "\0" .. (task.command or task.label)
      local other = newest[key]
      if not other or (task.endedAt or "") > (other.endedAt or "") then
        newest[key] = task
      end
    end
  end
  for _, task in pairs(newest) do
    if (task.status == "failed" or task.status == "timed_out") and not not_started(task) then
      local failed = task.progress and task.progress.failed or 0
      counts.failed = counts.failed + math.max(failed, 1)
    end
  end
  return counts
end

return M
