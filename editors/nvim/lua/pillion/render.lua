--- How the conversation looks: messages, tool calls and notices as lines of text with highlights. Pure: values in,
--- lines out; it knows no buffer and no window.

local notification = require("pillion.notification")
local protocol = require("pillion.protocol")
local task_line = require("pillion.task_line")

local M = {}

---@class pillion.Line
---@field text string
---@field hl? string the whole line
---@field icon? {length: integer, hl: string} the first bytes of the line
---@field right? string shown at the right edge
---@field inset? boolean shown indented; the text itself is not

---@class pillion.RenderContext
---@field tasks table<string, pillion.Task>
---@field elapsed fun(task: pillion.Task): integer?
---@field open boolean the item is unfolded

local function one_line(text)
  return (tostring(text):gsub("%s*\n%s*", " "))
end

local function row(icon, highlight, parts, extra)
  local line = { text = icon .. " " .. one_line(table.concat(parts, " · ")) }
  line.icon = { length = #icon, hl = highlight }
  return vim.tbl_extend("force", line, extra or {})
end

local function lines_of(text, extra)
  local lines = {}
  for _, part in ipairs(vim.split(text, "\n", { plain = true })) do
    lines[#lines + 1] = vim.tbl_extend("force", { text = part }, extra or {})
  end
  return lines
end

--- The lines that a diff adds and takes away, counted and shown.
---@param block {path: string, oldText?: string, newText?: string}
---@return integer added
---@return integer removed
---@return string text
function M.diff(block)
  local function ended(text)
    return (text == "" or text:sub(-1) == "\n") and text or text .. "\n"
  end
  local text = vim.diff(ended(block.oldText or ""), ended(block.newText or ""), { ctxlen = 2 }) --[[@as string]]
  local added, removed = 0, 0
  for line in vim.gsplit(text, "\n", { plain = true }) do
    local first = line:sub(1, 1)
    added = added + (first == "+" and 1 or 0)
    removed = removed + (first == "-" and 1 or 0)
  end
  return added, removed, (text:gsub("\n$", ""))
end

local diff_highlight = { ["+"] = "Added", ["-"] = "Removed", ["@"] = "PillionMuted" }

local function tool_details(item, task)
  local lines = {}
  local command = item.input and item.input.command
  if command then
    vim.list_extend(lines, lines_of("$ " .. command, { inset = true, hl = "PillionMuted" }))
  end
  local content = item.content or {}
  for _, block in ipairs(content) do
    if block.type == "diff" then
      local _, _, text = M.diff(block)
      for _, line in ipairs(lines_of(text, { inset = true })) do
        line.hl = diff_highlight[line.text:sub(1, 1)]
        lines[#lines + 1] = line
      end
    elseif block.type == "content" and block.content and block.content.text then
      vim.list_extend(lines, lines_of(block.content.text, { inset = true, hl = "PillionMuted" }))
    end
  end
  if #content == 0 and type(item.output) == "string" then
    vim.list_extend(lines, lines_of(item.output, { inset = true, hl = "PillionMuted" }))
  end
  if task then
    local last = task.output and task.output.lastLine
    if last and last ~= "" then
      lines[#lines + 1] = { text = last, inset = true, hl = "PillionMuted" }
    end
    lines[#lines + 1] = { text = (":Pillion log %s"):format(task.id), inset = true, hl = "PillionMuted" }
  end
  if #lines == 0 then
    lines[1] =
      { text = item.input and vim.inspect(item.input):gsub("%s+", " ") or "nothing more", inset = true }
  end
  return lines
end

--- `Read src/a.rs` is `read src/a.rs` in a row; a command keeps its case.
local function tool_title(item)
  local title = item.title or item.name or "tool"
  if item.tool_kind and item.tool_kind ~= "execute" and title:match("^%u%l") then
    title = title:sub(1, 1):lower() .. title:sub(2)
  end
  return title
end

local tool_look = {
  pending = { "○", "PillionMuted" },
  in_progress = { "◐", "PillionRunning" },
  completed = { "✓", "PillionPassed" },
  failed = { "✕", "PillionFailed" },
}

local notice

--- The newest call of a subagent, and how many it made.
local function steps(item)
  local count, newest = 0, nil
  for _, child in ipairs(item.children or {}) do
    if child.kind == "tool" then
      count, newest = count + 1, child
    end
  end
  return count, newest
end

local function tool(item, context)
  local task = item.task_id and context.tasks[item.task_id]
  local parts = { tool_title(item) }
  local look = tool_look[item.status] or tool_look.pending
  local icon, highlight = look[1], look[2]
  local foldable = item.status == "failed"
  if task then
    icon, highlight = task_line.icon(task)
    parts[1] = task.label or parts[1]
    if
      item.name == "background_run"
      or item.status == "completed"
      or (item.input or {}).run_in_background
    then
      parts[2] = "background"
    end
    vim.list_extend(parts, task_line.parts(task, { elapsed = context.elapsed(task), tasks = context.tasks }))
  end
  for _, block in ipairs(item.content or {}) do
    if block.type == "diff" then
      local added, removed = M.diff(block)
      parts[#parts + 1] = ("+%d −%d"):format(added, removed)
      foldable = true
    end
  end
  local count, newest = steps(item)
  if newest and not task then
    parts[#parts + 1] = ("%d %s"):format(count, count == 1 and "step" or "steps")
    if item.status == "in_progress" then
      parts[#parts + 1] = tool_title(newest)
    end
  end
  foldable = foldable or count > 0
  local indent = item.parent and "  " or ""
  local lines = {}
  if item.label then
    lines[1] = { text = ("%s · %d calls"):format(one_line(item.label), item.batch), hl = "PillionMuted" }
  end
  lines[#lines + 1] =
    row(indent .. icon, highlight, parts, { right = foldable and (context.open and "▾" or "▸") or nil })
  if context.open then
    local closed = vim.tbl_extend("force", context, { open = false })
    for _, child in ipairs(item.children or {}) do
      if child.kind == "tool" and not child.gone then
        vim.list_extend(lines, tool(child, closed))
      elseif child.kind == "notice" then
        vim.list_extend(lines, notice(child, closed))
      end
    end
    vim.list_extend(lines, tool_details(item, task))
  end
  return lines
end

function notice(item, context)
  local lines = {}
  local right = context.open and "▾" or "▸"
  for _, told in ipairs(notification.parse(item.text)) do
    local known = context.tasks[told.id]
    local parts = { known and known.label or told.command }
    parts[2] = notification.short(told.summary) or protocol.words[told.status] or told.status
    parts[3] = told.duration
    local status = protocol.words[told.status] and told.status or "running"
    lines[#lines + 1] = row(protocol.icons[status], protocol.highlight(status), parts, { right = right })
  end
  if #lines == 0 then
    local parts = { "told of " .. table.concat(item.task_ids or {}, ", ") }
    lines[1] = row("·", "PillionMuted", parts, { right = right })
  end
  if context.open then
    vim.list_extend(lines, lines_of(item.text, { inset = true, hl = "PillionMuted" }))
  end
  return lines
end

local ends = {
  moved = "this conversation goes on in another window",
  cancelled = "stopped",
  interrupted = "interrupted",
  refusal = "the model refused to go on",
  max_tokens = "the answer reached its longest length",
  max_turn_requests = 'stopped after many steps; say "go on" to continue',
}

local function ended(item)
  local reason = ends[item.stop_reason] or item.stop_reason or "ended"
  if item.stop_reason == "error" then
    local err = item.error
    local text = type(err) == "table" and (err.message or vim.inspect(err)) or err or "the turn failed"
    local remedy = type(err) == "table" and (err.remedy or (err.data or {}).remedy)
    reason = one_line(text) .. (remedy and " · " .. one_line(remedy) or "")
    return { row("✕", "PillionFailed", { reason }) }
  end
  local told = type(item.error) == "table" and item.error.message
  if type(told) == "string" then
    reason = one_line(told)
  end
  return { row("■", "PillionMuted", { reason }) }
end

local function thought(item, context)
  if item.parent or item.text == "" then
    return {}
  end
  local lines = {
    row(
      "·",
      "PillionMuted",
      { "thought" },
      { hl = "PillionMuted", right = context.open and "▾" or "▸" }
    ),
  }
  if context.open then
    vim.list_extend(lines, lines_of(item.text, { inset = true, hl = "PillionMuted" }))
  end
  return lines
end

--- Who speaks in an item: a heading stands where that changes.
---@param item? pillion.Item
---@return "You"|"Pillion"|nil
function M.speaker(item)
  if not item then
    return nil
  end
  return item.kind == "user" and "You" or "Pillion"
end

--- The lines of one item, with the heading where the speaker changes.
---@param item pillion.Item
---@param before? "You"|"Pillion" who spoke in the item before
---@param context pillion.RenderContext
---@return pillion.Line[]
function M.item(item, before, context)
  if item.gone or item.nested then
    return {}
  end
  local body
  if item.kind == "user" or item.kind == "agent" then
    local hidden = item.parent or item.text == "" -- a subagent's words come as its report
    body = hidden and {} or lines_of((item.text:gsub("\n+$", "")))
  elseif item.kind == "thought" then
    body = thought(item, context)
  elseif item.kind == "tool" then
    body = tool(item, context)
  elseif item.kind == "since" then
    body = lines_of(item.text, { hl = "PillionMuted" })
  elseif item.kind == "notice" then
    body = notice(item, context)
  else
    body = ended(item)
  end
  local speaker = M.speaker(item)
  if #body > 0 and speaker ~= before then
    table.insert(body, 1, { text = "## " .. speaker })
  end
  return body
end

local plan_icon = { completed = "✓", in_progress = "◐", pending = "○" }

--- What stands below the conversation: the plan while it is open, queued prompts, questions, a sign
--- of life.
---@param session pillion.Session
---@param questions pillion.Question[]
---@return pillion.Line[]
function M.tail(session, questions)
  local lines = {}
  local open = false
  for _, entry in ipairs(session.plan) do
    open = open or entry.status ~= "completed"
  end
  for _, entry in ipairs(open and session.plan or {}) do
    local text = (plan_icon[entry.status] or "○") .. " " .. one_line(entry.content)
    lines[#lines + 1] = { text = text, hl = entry.status ~= "in_progress" and "PillionMuted" or nil }
  end
  for _, queued in ipairs(session.queue) do
    local text = {}
    for _, block in ipairs(queued.prompt or {}) do
      text[#text + 1] = require("pillion.transcript").block_text(block)
    end
    lines[#lines + 1] = row(
      "○",
      "PillionMuted",
      { "queued", table.concat(text, " ") },
      { hl = "PillionMuted" }
    )
  end
  for _, question in ipairs(questions) do
    local asked = question.kind == "permission" and ("Run `%s`?"):format(question.title) or question.title
    if question.kind == "permission" and question.tool_call.kind ~= "execute" then
      asked = question.title .. "?"
    end
    lines[#lines + 1] = row("?", "PillionQuestion", { asked, ":Pillion answer" })
    if question.reason then
      lines[#lines + 1] = { text = "  " .. one_line(question.reason), hl = "PillionMuted" }
    end
  end
  if session.retrying then
    local again = ("… trying again (%d): %s"):format(
      session.retrying.attempt or 1,
      one_line(session.retrying.reason)
    )
    lines[#lines + 1] = { text = again, hl = "PillionMuted" }
  elseif session.turn and #questions == 0 then
    lines[#lines + 1] = { text = "… working", hl = "PillionMuted" }
  end
  if session.wakes_paused then
    lines[#lines + 1] = { text = "Waking is paused: say a word to go on", hl = "PillionMuted" }
  end
  return lines
end

--- Whether the session has no model: everything but talking works.
---@param model any
---@return boolean
function M.is_offline(model)
  if type(model) == "table" then
    return model.provider == "offline" or M.is_offline(model.id or model.name)
  end
  return type(model) == "string" and (model == "offline" or vim.startswith(model, "offline"))
end

--- The header of the chat.
---@param session? pillion.Session
---@return string
function M.header(session)
  if not session then
    return "Pillion"
  end
  if M.is_offline(session.model) then
    return "Pillion · No model: tests and builds work, chat doesn't"
  end
  local parts = { "Pillion", session.title or "New session", session.mode }
  local usage = session.usage
  if usage and usage.contextUsed and (usage.contextWindow or 0) > 0 then
    parts[#parts + 1] = ("%d %%"):format(math.floor(usage.contextUsed * 100 / usage.contextWindow + 0.5))
  end
  return table.concat(parts, " · ")
end

return M
