--- The list of tasks: one row a task, live. `<CR>` log, `s` stop, `r` rerun, `a` answer, `q` close.

local app = require("pillion.app")
local protocol = require("pillion.protocol")
local state = require("pillion.state")
local task_line = require("pillion.task_line")
local window = require("pillion.window")

local M = {}

local BUFFER = "pillion://tasks"
local EMPTY = "No tasks yet. :Pillion test, :Pillion run COMMAND, or ask the agent."

---@class pillion.TaskList
---@field app pillion.App
---@field buffer integer
---@field rows string[] the task id of each line
local List = {}
List.__index = List

---@type pillion.TaskList?
local list

---@param owner pillion.App
---@return pillion.TaskList
local function create(owner)
  local buffer = window.buffer(BUFFER, "pillion-tasks")
  vim.bo[buffer].modifiable = false
  local self = setmetatable({ app = owner, buffer = buffer, rows = {} }, List)
  local function on_task(action)
    return function()
      local task = self:under_cursor()
      if task then
        action(task)
      end
    end
  end
  window.map(
    buffer,
    "n",
    "<CR>",
    on_task(function(task)
      require("pillion.log").open(task.id)
    end),
    "log of the task"
  )
  window.map(
    buffer,
    "n",
    "s",
    on_task(function(task)
      M.stop(task.id)
    end),
    "stop the task"
  )
  window.map(
    buffer,
    "n",
    "r",
    on_task(function(task)
      M.rerun(task.id)
    end),
    "run the task again"
  )
  window.map(
    buffer,
    "n",
    "a",
    on_task(function(task)
      require("pillion.questions").answer({ task = task.id })
    end),
    "answer the task's question"
  )
  window.map(buffer, "n", "q", function()
    window.close(window.showing(buffer))
  end, "close the list")
  owner:listen("tasks", function(effect)
    if effect.type == "flush" then
      self:draw()
    end
  end)
  return self
end

--- The rows as text: icon, label, what is said of it, time at the end.
---@param owner pillion.App
---@param tasks pillion.Task[]
---@return pillion.Line[]
function M.lines(owner, tasks)
  local widest = 12
  for _, task in ipairs(tasks) do
    widest = math.max(widest, math.min(40, vim.fn.strdisplaywidth(task.label or task.command)))
  end
  return vim.tbl_map(function(task)
    local icon, highlight = task_line.icon(task)
    local label = task.label or task.command
    label = label .. (" "):rep(widest - vim.fn.strdisplaywidth(label))
    if (task.run or 1) > 1 then
      label = ("%s  run %d"):format(label, task.run)
    end
    local view = { elapsed = owner:elapsed(task), tasks = owner.state.tasks, wide = true }
    local parts = table.concat(task_line.parts(task, view), " · ")
    return { text = ("%s %s  %s"):format(icon, label, parts), icon = { length = #icon, hl = highlight } }
  end, tasks)
end

function List:draw()
  if not vim.api.nvim_buf_is_loaded(self.buffer) or #vim.fn.win_findbuf(self.buffer) == 0 then
    return
  end
  local tasks = state.tasks(self.app.state)
  local lines = M.lines(self.app, tasks)
  if #lines == 0 then
    lines = { { text = EMPTY, hl = "PillionMuted" } }
  end
  local held = {} -- the cursor stays on its task when rows move
  for _, win in ipairs(vim.fn.win_findbuf(self.buffer)) do
    held[win] = self.rows[vim.api.nvim_win_get_cursor(win)[1]]
  end
  vim.bo[self.buffer].modifiable = true
  window.replace(self.buffer, 0, vim.api.nvim_buf_line_count(self.buffer), lines)
  vim.bo[self.buffer].modifiable = false
  vim.bo[self.buffer].modified = false
  self.rows = vim.tbl_map(function(task)
    return task.id
  end, tasks)
  for win, id in pairs(held) do
    for row, task_id in ipairs(self.rows) do
      if task_id == id then
        vim.api.nvim_win_set_cursor(win, { row, 0 })
      end
    end
  end
end

---@return pillion.Task?
function List:under_cursor()
  local id = self.rows[vim.api.nvim_win_get_cursor(0)[1]]
  return id and self.app.state.tasks[id]
end

--- The task of the row under the cursor, when that is in the list.
---@return pillion.Task?
function M.under_cursor()
  if list and vim.api.nvim_get_current_buf() == list.buffer then
    return list:under_cursor()
  end
end

--- Opens the list, or goes to it.
function M.open()
  local owner = app.get()
  if not owner:start() then
    return
  end
  if not list or list.app ~= owner or not vim.api.nvim_buf_is_loaded(list.buffer) then
    list = create(owner)
  end
  local win = window.showing(list.buffer)
  if win then
    vim.api.nvim_set_current_win(win)
  else
    vim.cmd(("botright %dsplit"):format(owner.config.tasks.height))
    win = vim.api.nvim_get_current_win()
    vim.api.nvim_win_set_buf(win, list.buffer)
    window.dress(win, { wrap = false, winfixheight = true, cursorline = true, winbar = "Tasks" })
  end
  list:draw()
end

--- Stops a task, what it left running and its watching; nothing waits for its end. Once more: at once, without a
--- grace.
---@param id string
function M.stop(id)
  app.get():request(protocol.methods.task_stop, { taskId = id })
end

--- Runs a task again as its next run.
---@param id string
function M.rerun(id)
  app.get():request(protocol.methods.task_rerun, { taskId = id })
end

--- Finds the task that a command means: the named one, the one under the cursor, the only one that
--- fits, else the one that the person chooses.
---@param wanted? string an id
---@param fits fun(task: pillion.Task): boolean
---@param none string what is said when no task fits
---@param callback fun(task: pillion.Task)
---@param newest? boolean take the newest instead of asking
function M.pick(wanted, fits, none, callback, newest)
  local owner = app.get()
  if wanted then
    local task = owner.state.tasks[wanted]
    if task then
      return callback(task)
    end
    return app.say(("no task `%s`"):format(wanted), vim.log.levels.WARN)
  end
  local under = M.under_cursor()
  if under and fits(under) then
    return callback(under)
  end
  local found = vim.tbl_filter(fits, state.tasks(owner.state))
  if #found == 0 then
    return app.say(none)
  elseif #found == 1 or newest then
    return callback(found[1])
  end
  vim.ui.select(found, {
    prompt = "Which task?",
    kind = "pillion_task",
    format_item = function(task)
      return M.lines(owner, { task })[1].text
    end,
  }, function(task)
    if task then
      callback(task)
    end
  end)
end

return M
