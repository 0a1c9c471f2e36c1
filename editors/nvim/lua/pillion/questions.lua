--- Answering: permissions by a choice, what a task asks by a line of input. A question is opened only
--- when the person asks for it, and closing the choice answers nothing.

local app = require("pillion.app")
local protocol = require("pillion.protocol")
local state = require("pillion.state")

local M = {}

--- The windows that a picker opened; they close when the question is withdrawn.
local function new_floats(before)
  local floats = {}
  for _, win in ipairs(vim.api.nvim_list_wins()) do
    if not before[win] and vim.api.nvim_win_get_config(win).relative ~= "" then
      floats[#floats + 1] = win
    end
  end
  return floats
end

---@param owner pillion.App
---@param question pillion.Question
---@param open fun(done: fun()) opens the choice
local function with_withdrawal(owner, question, open)
  local before, floats = {}, {}
  for _, win in ipairs(vim.api.nvim_list_wins()) do
    before[win] = true
  end
  local name = "question:" .. question.id
  owner:listen(name, function(effect)
    if effect.type == "question_closed" and effect.question.id == question.id then
      owner:listen(name, nil)
      for _, win in ipairs(floats) do
        pcall(vim.api.nvim_win_close, win, true)
      end
    end
  end)
  open(function()
    owner:listen(name, nil)
  end)
  floats = new_floats(before)
end

---@param owner pillion.App
---@param question pillion.Question
---@param outcome table
local function give(owner, question, outcome)
  if not owner:answer(question.id, outcome) then
    app.say("this is no longer asked")
  end
end

---@param owner pillion.App
---@param question pillion.Question
local function permission(owner, question)
  local asks = question.tool_call.kind == "execute" and ("Run `%s`?"):format(question.title)
    or question.title .. "?"
  if question.reason then
    asks = asks .. " " .. question.reason:gsub("%s*\n%s*", " ")
  end
  with_withdrawal(owner, question, function(done)
    vim.ui.select(question.options, {
      prompt = asks,
      kind = "pillion_permission",
      format_item = function(option)
        return option.name
      end,
    }, function(option)
      done()
      if not option then
        return -- put off, not answered
      elseif not option.kind:match("^reject") then
        return give(owner, question, { outcome = "selected", optionId = option.optionId })
      end
      vim.ui.input({ prompt = "Why not? (Enter: no reason) " }, function(reason)
        if reason then
          give(owner, question, {
            outcome = "selected",
            optionId = option.optionId,
            reason = reason ~= "" and reason or nil,
          })
        end
      end)
    end)
  end)
end

--- Gives an answer to a command, unless the question is over: what was meant for it is not for the next.
---@param owner pillion.App
---@param question pillion.Question
---@param text? string as it goes to the command; nil when nothing was answered
local function send(owner, question, text)
  if not text then
    return
  end
  local open = owner.state.asked[question.task.id]
  if not open or open.id ~= question.id then
    return app.say("this is no longer asked")
  end
  owner:request(protocol.methods.task_input, { taskId = question.task.id, text = text })
end

---@param owner pillion.App
---@param question pillion.Question
local function typed(owner, question)
  local prompt = question.title .. " "
  if question.secret then
    -- A cancelled input comes back as this: an empty answer can be one, as for a passphrase that is not wanted.
    local ok, text = pcall(vim.fn.inputsecret, { prompt = prompt, cancelreturn = vim.NIL })
    return send(owner, question, ok and type(text) == "string" and text .. "\n" or nil)
  end
  vim.ui.input({ prompt = prompt }, function(text)
    send(owner, question, text and text .. "\n")
  end)
end

local OTHER = "Another answer…"
local STOP = "Stop the task"

---@param owner pillion.App
---@param question pillion.Question
local function input(owner, question)
  if #question.answers == 0 then
    return typed(owner, question)
  end
  local choices = vim.list_extend({}, question.answers)
  vim.list_extend(choices, { { label = OTHER }, { label = STOP } })
  with_withdrawal(owner, question, function(done)
    vim.ui.select(choices, {
      prompt = question.title,
      kind = "pillion_answer",
      format_item = function(choice)
        return choice.label
      end,
    }, function(choice)
      done()
      if not choice then
        return -- put off, not answered
      elseif choice.text then
        send(owner, question, choice.text)
      elseif choice.label == STOP then
        owner:request(protocol.methods.task_stop, { taskId = question.task.id })
      else
        typed(owner, question)
      end
    end)
  end)
end

---@param owner pillion.App
---@param question pillion.Question
local function open(owner, question)
  if question.kind == "permission" then
    permission(owner, question)
  else
    input(owner, question)
  end
end

--- Opens the choice of an open question: the only one, or the one that the person picks.
---@param options? {task?: string} only this task's question
function M.answer(options)
  local owner = app.get()
  local questions = state.questions(owner.state)
  if options and options.task then
    local task = owner.state.tasks[options.task]
    questions = vim.tbl_filter(function(question)
      local call = question.tool_call and question.tool_call.toolCallId
      return question.task and question.task.id == options.task
        or (
          call ~= nil
          and task ~= nil
          and call == task.toolCallId
          and question.parent == task.parentToolCallId
          and question.session == task.sessionId
        )
    end, questions)
  end
  if #questions == 0 then
    local task = options and options.task and owner.state.tasks[options.task]
    local elsewhere = task and task.owned == false and protocol.needs_person(task)
    return app.say(elsewhere and "this is asked in its own window" or "nothing is asked")
  elseif #questions == 1 then
    return open(owner, questions[1])
  end
  vim.ui.select(questions, {
    prompt = "Which question?",
    kind = "pillion_question",
    format_item = function(question)
      return question.title
    end,
  }, function(question)
    if question then
      open(owner, question)
    end
  end)
end

return M
