--- The output of one task in a buffer of its own: its end, then what the server sends as it comes, into
--- the next runs too. Offsets are the server's bytes.

local app = require("pillion.app")
local place = require("pillion.place")
local protocol = require("pillion.protocol")
local task_line = require("pillion.task_line")
local window = require("pillion.window")

local M = {}

---@class pillion.Log
---@field app pillion.App
---@field id string
---@field buffer integer
---@field run? integer the run that is shown
---@field next? integer the offset that comes next; nil until its end was read
---@field cut integer lines that were taken off the top
---@field away boolean a new server has not told yet what it knows
local Log = {}
Log.__index = Log

---@type table<string, pillion.Log>
local logs = setmetatable({}, { __mode = "v" })

--- Bytes of the first reading: the most that the server gives.
local FIRST = 1024 * 1024

---@param bytes integer
---@return string
local function size(bytes)
  if bytes < 1024 * 1024 then
    return ("%.1f KiB"):format(bytes / 1024)
  end
  return ("%.1f MiB"):format(bytes / 1024 / 1024)
end

--- Appends text to the last line on, as it came, and keeps the newest lines.
---@param text string
function Log:append(text)
  if text == "" then
    return
  end
  window.edit(self.buffer, function()
    local last = vim.api.nvim_buf_line_count(self.buffer) - 1
    local column = #vim.api.nvim_buf_get_lines(self.buffer, last, last + 1, false)[1]
    local lines = vim.split(text, "\n", { plain = true })
    vim.api.nvim_buf_set_text(self.buffer, last, column, last, column, lines)
    self:trim()
  end)
end

--- Takes lines off the top where there are more than twice as many as wanted, and says how many.
function Log:trim()
  local wanted = self.app.config.log.lines
  local count = vim.api.nvim_buf_line_count(self.buffer)
  if count <= 2 * wanted then
    return
  end
  local cut = count - wanted
  self.cut = self.cut + cut - (self.cut > 0 and 1 or 0) -- the line that says so is none of the output's
  local text = ("… %d lines before this"):format(self.cut)
  vim.api.nvim_buf_set_lines(self.buffer, 0, cut, false, { text })
end

---@param bytes integer
function Log:say_left_out(bytes)
  local begins = vim.api.nvim_buf_get_lines(self.buffer, -2, -1, false)[1] == ""
  self:append(("%s… %s left out\n"):format(begins and "" or "\n", size(bytes)))
end

--- Begins with an empty page.
---@param run? integer
---@param offset? integer
function Log:turn(run, offset)
  self.run, self.next, self.cut = run, offset, 0
  window.edit(self.buffer, function()
    vim.api.nvim_buf_set_lines(self.buffer, 0, -1, false, {})
  end)
end

--- Reads the end of the newest run, and follows from there on.
function Log:read()
  local task = self.app.state.tasks[self.id]
  self:turn(task and task.run)
  local run = self.run
  local params = { taskId = self.id, run = run, tail = self.app.config.log.lines, limit = FIRST }
  self.app:request(protocol.methods.task_output, params, function(answer)
    if not vim.api.nvim_buf_is_loaded(self.buffer) or self.run ~= run or self.next then
      return -- closed, or read anew meanwhile
    end
    if answer.offset > 0 then
      self:say_left_out(answer.offset)
    end
    self:append(answer.text)
    self.next = answer.nextOffset
    self:follow(true)
  end)
end

---@param on boolean
function Log:follow(on)
  local client = self.app.client
  if client and client.lsp then
    local params = { taskId = self.id, on = on, offset = on and self.next or nil }
    self.app:request(protocol.methods.task_follow, params, nil, function(err)
      return not on or err.code == protocol.errors.unknown_task -- it was taken off the list
    end)
  end
end

--- A piece of output. A new run begins at 0, and so does a new attempt.
---@param piece {taskId: string, run: integer, offset: integer, nextOffset: integer, text: string, skipped: integer}
function Log:on_output(piece)
  if not self.next then
    return -- its end is read first
  end
  local begins = piece.offset == piece.skipped
  if piece.run ~= self.run and not begins then
    return self:read() -- it began while the one before was read
  elseif piece.run ~= self.run or (begins and self.next > 0) then
    self:turn(piece.run, 0)
  end
  if piece.skipped > 0 then
    self:say_left_out(piece.skipped)
  end
  self:append(piece.text)
  self.next = piece.nextOffset
end

--- A new server knows the tasks: the log goes on where it was, or begins anew where a run was missed.
function Log:come_back()
  self.away = false
  local task = self.app.state.tasks[self.id]
  if task and task.run == self.run and self.next then
    self:follow(true)
  elseif task then
    self:read()
  end
end

---@param effect table
function Log:on(effect)
  if not vim.api.nvim_buf_is_loaded(self.buffer) then
    return
  elseif effect.type == "output" and effect.output.taskId == self.id then
    self:on_output(effect.output)
  elseif effect.type == "ready" then
    self.away = true
  elseif effect.type == "tasks" and self.away then
    self:come_back()
  elseif effect.type == "flush" then
    self:draw_header()
  end
end

--- As the task's row in the list.
function Log:draw_header()
  local windows = vim.fn.win_findbuf(self.buffer)
  if #windows == 0 then
    return
  end
  local parts = { "Log" }
  local task = self.app.state.tasks[self.id]
  parts[2] = task and task.label or self.id
  if task then
    parts[3] = task.run > 1 and ("run %d"):format(task.run) or nil
    local view = { elapsed = self.app:elapsed(task), tasks = self.app.state.tasks, wide = true }
    vim.list_extend(parts, task_line.parts(task, view))
  end
  local text = table.concat(parts, " · "):gsub("%s*\n%s*", " "):gsub("%%", "%%%%")
  for _, win in ipairs(windows) do
    vim.api.nvim_set_option_value("winbar", text, { win = win, scope = "local" })
  end
end

--- The file that a place means: of the task's folder, else of the workspace's.
---@param found pillion.Place
---@return string?
function Log:file_of(found)
  local task = self.app.state.tasks[self.id]
  for _, folder in ipairs({ task and task.cwd or "", self.app.client.root }) do
    local path = vim.startswith(found.path, "/") and found.path or folder .. "/" .. found.path
    local stat = vim.uv.fs_stat(path)
    if stat and stat.type == "file" then
      return vim.fs.normalize(path)
    end
  end
end

--- Opens the place that the line under the cursor names, in a window of the person's own.
function Log:jump()
  local column = vim.api.nvim_win_get_cursor(0)[2] + 1
  for _, found in ipairs(place.find(vim.api.nvim_get_current_line(), column)) do
    local path = self:file_of(found)
    if path then
      window.show_file(path, found.line, found.column)
      return
    end
  end
  app.say("no file on this line")
end

---@param owner pillion.App
---@param id string
---@return pillion.Log
local function create(owner, id)
  local buffer = window.buffer("pillion://log/" .. id, "pillion-log")
  vim.bo[buffer].modifiable = false
  local self = setmetatable({ app = owner, id = id, buffer = buffer, cut = 0, away = false }, Log)
  logs[id] = self
  local name = "log:" .. id
  owner:listen(name, function(effect)
    self:on(effect)
  end)
  window.map(buffer, "n", "<CR>", function()
    self:jump()
  end, "go to the file of this line")
  window.map(buffer, "n", "q", function()
    window.close(window.showing(buffer))
  end, "close the log")
  vim.api.nvim_create_autocmd({ "BufUnload", "BufWipeout" }, {
    group = owner.group,
    buffer = buffer,
    once = true,
    callback = function()
      owner:listen(name, nil)
      self:follow(false)
    end,
  })
  self:read()
  return self
end

--- Opens the log of a task below and follows its end.
---@param id string
function M.open(id)
  local owner = app.get()
  local log = logs[id]
  if not log or log.app ~= owner or not vim.api.nvim_buf_is_loaded(log.buffer) then
    log = create(owner, id)
  end
  local win = window.showing(log.buffer)
  if win then
    vim.api.nvim_set_current_win(win)
  else
    vim.cmd(("botright %dsplit"):format(owner.config.log.height))
    win = vim.api.nvim_get_current_win()
    vim.api.nvim_win_set_buf(win, log.buffer)
    window.dress(win, { wrap = true, winfixheight = true })
  end
  vim.api.nvim_win_set_cursor(win, { vim.api.nvim_buf_line_count(log.buffer), 0 })
  log:draw_header()
end

return M
