--- One session as its updates tell it: the items of the conversation and the facts of the header.
--- A pure reducer: no editor, no clock, no process. Items keep their index for life; one that was
--- taken back is marked `gone`.

local M = {}

---@class pillion.Item
---@field kind "user"|"agent"|"thought"|"tool"|"notice"|"since"|"ended"
---@field label? string of the first call of a batch: what the batch did
---@field batch? integer how many calls that batch has
---@field id? string messageId or toolCallId
---@field parent? string the tool call that this belongs to (a subagent's)
---@field nested? boolean it is shown under that call, and not by itself
---@field children? pillion.Item[] what its subagent did, in order
---@field text? string
---@field gone? boolean
---@field turn? string
---@field title? string
---@field name? string
---@field tool_kind? string
---@field status? "pending"|"in_progress"|"completed"|"failed"
---@field input? table
---@field content? table[]
---@field locations? table[]
---@field task_id? string
---@field task_ids? string[]
---@field stop_reason? string
---@field error? any

---@class pillion.Session
---@field id string
---@field title? string
---@field mode? string
---@field modes table[]
---@field model? any
---@field items pillion.Item[]
---@field by_id table<string, integer> index of the message with this id, or of the call with this key
---@field by_task table<string, integer[]> items that show this task
---@field turn? string the running turn
---@field last_turn? string the newest turn that ran
---@field queue table[] prompts that wait
---@field plan table[]
---@field usage? table
---@field wakes_paused boolean
---@field replaying boolean
---@field retrying? {reason: string, attempt: integer} the model's service is asked again

---@param id string
---@return pillion.Session
function M.new(id)
  return {
    id = id,
    modes = {},
    items = {},
    by_id = {},
    by_task = {},
    queue = {},
    plan = {},
    wakes_paused = false,
    replaying = false,
  }
end

--- Takes what `session/new` or `session/load` answered.
---@param session pillion.Session
---@param reply table
function M.describe(session, reply)
  session.mode = reply.mode or session.mode
  session.modes = reply.modes or session.modes
  session.model = reply.model or session.model
  session.title = reply.title or session.title
end

--- The text of a content block: what a person reads of it.
---@param block? pillion.ContentBlock
---@return string
function M.block_text(block)
  if not block then
    return ""
  elseif block.type == "text" then
    return block.text or ""
  elseif block.type == "resource_link" then
    local name = block.name or (block.uri or ""):match("[^/]*$")
    local range = block.range or {}
    local from, to = range.start, range["end"]
    if from and to and from ~= to then
      return ("@%s:%d-%d"):format(name, from, to)
    end
    return from and ("@%s:%d"):format(name, from) or "@" .. name
  end
  return ("[%s]"):format(block.type or "?")
end

--- The name of a call in its session: a subagent's may have the id of a call of the session's own.
---@param id string the call's
---@param parent? string the call of the subagent that made it
---@return string
function M.call_key(id, parent)
  return parent and parent .. "\0" .. id or id
end

local function add(session, item, effects)
  local index = #session.items + 1
  session.items[index] = item
  if item.id then
    local key = item.kind == "tool" and M.call_key(item.id, item.parent) or item.id
    session.by_id[key] = index
  end
  effects[#effects + 1] = { type = "item", session = session.id, index = index }
  local above = item.parent and session.by_id[item.parent]
  if above then
    item.nested = true
    local call = session.items[above]
    call.children = call.children or {}
    table.insert(call.children, item)
    effects[#effects + 1] = { type = "item", session = session.id, index = above }
  end
  return index
end

local function touch(session, index, effects)
  local item = session.items[index]
  if item.nested then
    index = session.by_id[item.parent] or index
  end
  effects[#effects + 1] = { type = "item", session = session.id, index = index }
end

--- Ties an item to the task that it shows, once.
---@param session pillion.Session
---@param index integer
---@param task_id string
function M.tie(session, index, task_id)
  session.items[index].task_id = session.items[index].task_id or task_id
  local indexes = session.by_task[task_id] or {}
  session.by_task[task_id] = indexes
  for _, known in ipairs(indexes) do
    if known == index then
      return
    end
  end
  indexes[#indexes + 1] = index
end

local function chunk(kind)
  return function(session, update, params, effects)
    session.retrying = nil
    local index = update.messageId and session.by_id[update.messageId]
    local item = index and session.items[index]
    local text = M.block_text(update.content)
    if item and item.kind == kind and not item.gone then
      local block_kind = update.content and update.content.type
      local separate = block_kind ~= "text" and item.text ~= ""
      item.text = item.text .. (separate and "\n" or "") .. text
      touch(session, index, effects)
    else
      add(session, {
        kind = kind,
        id = update.messageId,
        parent = params.parentToolCallId,
        turn = params.turnId,
        text = text,
      }, effects)
    end
  end
end

local function merge_tool(session, index, update, effects)
  local item = session.items[index]
  item.title = update.title or item.title
  item.name = update.name or item.name
  item.tool_kind = update.kind or item.tool_kind
  item.status = update.status or item.status
  item.input = update.rawInput or item.input
  item.output = update.rawOutput or item.output
  item.content = update.content or item.content
  item.locations = update.locations or item.locations
  item.task_id = update.taskId or item.task_id
  if item.task_id then
    M.tie(session, index, item.task_id)
  end
  touch(session, index, effects)
end

local function tool(session, update, params, effects)
  local index = session.by_id[M.call_key(update.toolCallId, params.parentToolCallId)]
  if not index then
    index = add(session, {
      kind = "tool",
      id = update.toolCallId,
      parent = params.parentToolCallId,
      turn = params.turnId,
      status = "pending",
    }, effects)
  end
  local before = session.items[index].status
  merge_tool(session, index, update, effects)
  local item = session.items[index]
  local over = item.status == "completed" or item.status == "failed"
  if over and before ~= item.status and not params.replay then
    effects[#effects + 1] = { type = "tool_done", session = session.id, item = item }
  end
end

--- What a question shows of its tool call (the diff of an edit, say) is there to unfold in the row.
---@param session pillion.Session
---@param params table of the question
---@param effects table[]
function M.preview(session, params, effects)
  local tool_call = params.toolCall
  local index = session.by_id[M.call_key(tool_call.toolCallId, params.parentToolCallId)]
  local item = index and session.items[index]
  if item and #(item.content or {}) == 0 and #(tool_call.content or {}) > 0 then
    item.content = tool_call.content
    touch(session, index, effects)
  end
end

local on = {
  user_message_chunk = chunk("user"),
  agent_message_chunk = chunk("agent"),
  agent_thought_chunk = chunk("thought"),
  tool_call = tool,
  tool_call_update = tool,
}

function on.message_discarded(session, update, _, effects)
  local index = session.by_id[update.messageId]
  if index then
    session.items[index].gone = true
    session.by_id[update.messageId] = nil
    touch(session, index, effects)
  end
end

function on.plan(session, update)
  session.plan = update.entries or {}
end

function on.queue(session, update)
  session.queue = update.prompts or {}
end

function on.task_notification(session, update, params, effects)
  add(session, {
    kind = "notice",
    parent = params.parentToolCallId,
    turn = params.turnId,
    task_ids = update.taskIds or {},
    text = update.text or "",
  }, effects)
end

--- What a batch of calls is called; one call says it itself.
function on.label(session, update, _, effects)
  local calls = update.toolCallIds or {}
  local index = #calls > 1 and session.by_id[calls[1]]
  if index then
    session.items[index].label = update.text
    session.items[index].batch = #calls
    touch(session, index, effects)
  end
end

--- What happened while the session was away.
function on.since(session, update, _, effects)
  add(session, { kind = "since", text = update.text or "" }, effects)
end

--- The person goes on in another session: `/clear`, `/resume`.
function on.session_switch(session, update, params, effects)
  if not params.replay then
    effects[#effects + 1] = { type = "switch", session = session.id, to = update.sessionId }
  end
end

--- Another window has it now.
function on.session_closed(session, update, params, effects)
  session.turn, session.queue = nil, {}
  add(session, { kind = "ended", turn = params.turnId, stop_reason = update.reason }, effects)
end

function on.turn_started(session, _, params)
  session.turn = params.turnId
  session.last_turn = params.turnId
end

function on.turn_ended(session, update, params, effects)
  if session.turn == params.turnId then
    session.turn = nil
  end
  session.retrying = nil
  session.last_turn = params.turnId or session.last_turn
  session.usage = update.usage or session.usage
  if update.stopReason ~= "end_turn" then
    add(session, {
      kind = "ended",
      turn = params.turnId,
      stop_reason = update.stopReason,
      error = update.error,
    }, effects)
  end
  if update.unsent and #update.unsent > 0 and not params.replay then
    effects[#effects + 1] = { type = "unsent", session = session.id, prompts = update.unsent }
  end
  if not params.replay then
    effects[#effects + 1] = {
      type = "turn_ended",
      session = session.id,
      turn = params.turnId,
      stop_reason = update.stopReason,
    }
  end
end

function on.retrying(session, update)
  session.retrying = { reason = update.reason, attempt = update.attempt }
end

function on.usage(session, update)
  session.usage = update
end

function on.session_info(session, update)
  M.describe(session, update)
  if update.wakesPaused ~= nil then
    session.wakes_paused = update.wakesPaused
  end
end

function on.replay_started(session, update, _, effects)
  if update.before then
    return -- an older page: nobody asks for one here
  end
  session.items, session.by_id, session.by_task = {}, {}, {}
  session.queue, session.plan, session.turn = {}, {}, nil
  session.replaying = true
  effects[#effects + 1] = { type = "reset", session = session.id }
end

function on.replay_ended(session)
  session.replaying = false
end

--- Applies one `pillion/session/update`. An update of an unknown kind changes nothing.
---@param session pillion.Session
---@param params table the notification's params
---@param effects table[] what changed is appended here
function M.apply(session, params, effects)
  local handler = on[params.update.sessionUpdate]
  if handler then
    handler(session, params.update, params, effects)
    effects[#effects + 1] = { type = "session", session = session.id }
  end
end

return M
