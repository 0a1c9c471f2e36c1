--- The output of one task in a buffer of its own, followed while it runs. Offsets are the server's
--- bytes.

local app = require("pillion.app")
local protocol = require("pillion.protocol")
local window = require("pillion.window")

local M = {}

---@class pillion.Log
---@field app pillion.App
---@field id string
---@field buffer integer
---@field run? integer
---@field next? integer the offset that is read next; nil before the first answer
---@field reading boolean
---@field again? boolean more came while it was reading
---@field following? boolean the server sends output as it comes
local Log = {}
Log.__index = Log

---@type table<string, pillion.Log>
local logs = setmetatable({}, { __mode = "v" })

--- Appends text to the last line on, as it came.
---@param text string
function Log:append(text)
  if text == "" then
    return
  end
  window.edit(self.buffer, function()
    local lines = vim.split((text:gsub("\r", "")), "\n", { plain = true })
    local last = vim.api.nvim_buf_line_count(self.buffer) - 1
    local column = #vim.api.nvim_buf_get_lines(self.buffer, last, last + 1, false)[1]
    vim.api.nvim_buf_set_text(self.buffer, last, column, last, column, lines)
  end)
end

function Log:clear()
  window.edit(self.buffer, function()
    vim.api.nvim_buf_set_lines(self.buffer, 0, -1, false, {})
  end)
end

--- Reads from where it stands to the end of what there is.
function Log:read()
  if self.reading then
    self.again = true
    return
  end
  self.reading, self.again = true, false
  local run, from = self.run, self.next
  local params = { taskId = self.id, run = run, offset = from }
  if not from then
    params.tail = self.app.config.log.lines
  end
  self.app:request(protocol.methods.task_output, params, function(answer)
    self.reading = false
    if not vim.api.nvim_buf_is_loaded(self.buffer) then
      return
    elseif run ~= self.run then
      return self:read() -- a new run began meanwhile
    end
    self:append(answer.text)
    self.next = answer.nextOffset
    local moved = from and answer.nextOffset > from
    if self.again or (moved and answer.nextOffset < answer.totalBytes) then
      self:read()
    end
  end, function()
    self.reading = false
    return false
  end)
end

--- A new run begins with an empty page.
---@param run? integer
function Log:on_run(run)
  self.run, self.next = run, nil
  if vim.api.nvim_buf_is_loaded(self.buffer) then
    self:clear()
    self:read()
  end
end

--- New output. Its offset counts raw bytes while its text is without colours, so that only a chunk
--- which names its end can be appended as it is; else it is the call to read on.
---@param output {taskId: string, run: integer, offset: integer, nextOffset?: integer, text: string}
function Log:on_output(output)
  if output.run ~= self.run then
    self:on_run(output.run)
  elseif output.nextOffset and output.offset == self.next and not self.reading then
    self.next = output.nextOffset
    self:append(output.text)
  elseif not output.nextOffset or output.nextOffset > (self.next or 0) then
    self:read()
  end
end

---@param effect table
function Log:on(effect)
  if effect.type == "output" and effect.output.taskId == self.id then
    self:on_output(effect.output)
  elseif effect.type == "task" and effect.task.id == self.id then
    local task = effect.task
    if task.run ~= self.run then
      self:on_run(task.run)
    elseif task.output and task.output.bytes > (self.next or 0) then
      if not self.following or protocol.is_final(task.status) then
        self:read()
      end
    end
    self:draw_header()
  end
end

function Log:draw_header()
  local task = self.app.state.tasks[self.id]
  local label = task and (task.label or task.command) or self.id
  local word = task and protocol.words[task.status] or ""
  for _, win in ipairs(vim.fn.win_findbuf(self.buffer)) do
    local text = ("Log · %s · %s"):format(label, word):gsub("%%", "%%%%")
    vim.api.nvim_set_option_value("winbar", text, { win = win, scope = "local" })
  end
end

---@param owner pillion.App
---@param id string
---@return pillion.Log
local function create(owner, id)
  local buffer = window.buffer("pillion://log/" .. id, "pillion-log")
  vim.bo[buffer].modifiable = false
  local task = owner.state.tasks[id]
  local self =
    setmetatable({ app = owner, id = id, buffer = buffer, run = task and task.run, reading = false }, Log)
  logs[id] = self
  local name = "log:" .. id
  owner:listen(name, function(effect)
    self:on(effect)
  end)
  window.map(buffer, "n", "q", function()
    window.close(window.showing(buffer))
  end, "close the log")
  vim.api.nvim_create_autocmd({ "BufUnload", "BufWipeout" }, {
    group = owner.group,
    buffer = buffer,
    callback = function()
      owner:listen(name, nil)
      self:follow(false)
    end,
  })
  self:clear()
  self:read()
  self:follow(true)
  return self
end

--- Asks for the output as it comes; a server without it is read at each change of status.
---@param on boolean
function Log:follow(on)
  if self.app.client and self.app.client.lsp then
    self.app.client:request(protocol.methods.task_follow, { taskId = self.id, on = on }, function(err)
      self.following = on and not err
    end)
  end
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
