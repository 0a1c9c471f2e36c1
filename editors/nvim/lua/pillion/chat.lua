--- The conversation: a window on the right with the transcript above and the prompt below. Draws the
--- current session of the state; only the items that changed are drawn again.

local app = require("pillion.app")
local prompt = require("pillion.prompt")
local render = require("pillion.render")
local state = require("pillion.state")
local window = require("pillion.window")

local M = {}

local BUFFER = "pillion://chat"

---@class pillion.Chat
---@field buffer integer
---@field heights integer[] how many lines each drawn item has
---@field tail integer how many lines stand below the items
---@field dirty table<integer, true>
---@field open table<integer, true> unfolded items
---@field session? string the session that is drawn
local Chat = {}
Chat.__index = Chat

---@type pillion.Chat?
local chat

---@param owner pillion.App
local function create(owner)
  local buffer = window.buffer(BUFFER, "pillion-chat")
  vim.bo[buffer].modifiable = false
  local self = setmetatable({ app = owner, buffer = buffer }, Chat)
  self:reset()
  window.markdown(buffer)
  window.map(buffer, "n", "<CR>", function()
    self:toggle_item()
  end, "unfold or fold the row")
  window.map(buffer, "n", "<C-c>", function()
    owner:cancel()
  end, "stop the turn")
  window.map(buffer, "n", "q", M.close, "close the chat")
  window.map(buffer, "n", { "i", "a" }, function()
    M.focus_prompt()
  end, "write a message")
  owner:listen("chat", function(effect)
    self:on(effect)
  end)
  return self
end

function Chat:reset()
  self.heights, self.tail, self.dirty, self.open = {}, 0, {}, {}
  self.stale = true -- the whole buffer is drawn anew
end

---@param effect table
function Chat:on(effect)
  if effect.type == "item" and effect.session == self.app.state.current then
    self.dirty[effect.index] = true
  elseif effect.type == "reset" then
    self:reset()
  elseif effect.type == "tick" then
    self:mark_live()
  elseif effect.type == "flush" then
    self:draw()
  end
end

--- Rows of running tasks are drawn again as time goes on.
function Chat:mark_live()
  local session = state.current(self.app.state)
  for task_id, indexes in pairs(session and session.by_task or {}) do
    local task = self.app.state.tasks[task_id]
    if task and task.status == "running" then
      for _, index in ipairs(indexes) do
        self.dirty[index] = true
      end
    end
  end
end

---@param session pillion.Session
---@param index integer
---@return pillion.Line[]
function Chat:lines(session, index)
  local before = index - 1
  while before > 0 and (self.heights[before] or 0) == 0 do
    before = before - 1 -- an item without lines does not speak
  end
  return render.item(session.items[index], render.speaker(session.items[before]), {
    tasks = self.app.state.tasks,
    elapsed = function(task)
      return self.app:elapsed(task)
    end,
    open = self.open[index] == true,
  })
end

---@param stay? boolean the cursor is not moved to the end
function Chat:draw(stay)
  if not vim.api.nvim_buf_is_loaded(self.buffer) then
    return
  end
  local session = state.current(self.app.state)
  window.edit(self.buffer, function()
    if self.stale or (session and session.id) ~= self.session then
      self:reset()
      self.stale, self.session = false, session and session.id
      vim.api.nvim_buf_set_lines(self.buffer, 0, -1, false, {})
    end
    if session then
      self:draw_items(session)
    end
  end, stay)
  self:draw_header(session)
end

---@param session pillion.Session
function Chat:draw_items(session)
  local row, total = 0, self.tail
  for _, height in ipairs(self.heights) do
    total = total + height
  end
  local function block(old, lines)
    -- a buffer is never without a line: the one of an empty buffer is written over
    window.replace(self.buffer, row, total == 0 and #lines > 0 and 1 or old, lines)
    total = total - old + #lines
  end
  local dirty = self.dirty
  self.dirty = {}
  for index = 1, #session.items do
    local old = self.heights[index] or 0
    if dirty[index] or not self.heights[index] then
      local lines = self:lines(session, index)
      block(old, lines)
      self.heights[index] = #lines
      if (old == 0) ~= (#lines == 0) and session.items[index + 1] then
        dirty[index + 1] = true -- its heading may come or go
      end
    end
    row = row + self.heights[index]
  end
  local lines = render.tail(session, self:questions(session))
  block(self.tail, lines)
  self.tail = #lines
end

---@param session pillion.Session
---@return pillion.Question[]
function Chat:questions(session)
  return vim.tbl_filter(function(question)
    return question.session == nil or question.session == session.id
  end, state.questions(self.app.state))
end

---@param session? pillion.Session
function Chat:draw_header(session)
  local header = render.header(session):gsub("%%", "%%%%") .. "%<" -- cut at the end where it is narrow
  for _, win in ipairs(vim.fn.win_findbuf(self.buffer)) do
    if vim.wo[win].winbar ~= header then
      vim.api.nvim_set_option_value("winbar", header, { win = win, scope = "local" })
    end
  end
end

--- Unfolds or folds the item under the cursor.
function Chat:toggle_item()
  local line = vim.api.nvim_win_get_cursor(0)[1]
  local row = 0
  for index, height in ipairs(self.heights) do
    row = row + height
    if line <= row then
      self.open[index] = not self.open[index] or nil
      self.dirty[index] = true
      return self:draw(true)
    end
  end
end

---@return pillion.Chat
local function get()
  local owner = app.get()
  if not chat or chat.app ~= owner or not vim.api.nvim_buf_is_loaded(chat.buffer) then
    chat = create(owner)
  end
  return chat
end

---@return boolean
function M.is_open()
  return chat ~= nil and window.showing(chat.buffer) ~= nil
end

--- Opens the chat, or goes to it; the prompt has the cursor.
---@param options? {focus?: boolean}
function M.open(options)
  local self = get()
  local back = vim.api.nvim_get_current_win()
  if not window.showing(self.buffer) then
    local settings = self.app.config.chat
    local width = settings.width < 1 and math.floor(vim.o.columns * settings.width) or settings.width
    vim.cmd("botright vsplit")
    local top = vim.api.nvim_get_current_win()
    vim.api.nvim_win_set_buf(top, self.buffer)
    vim.api.nvim_win_set_width(top, math.max(width, math.min(40, math.floor(vim.o.columns / 2))))
    window.dress(top, { wrap = true, linebreak = true, winfixwidth = true, conceallevel = 0 })
    prompt.open(self.app, top)
    window.keep(top)
    M.close_together(top, assert(prompt.window()))
    self:draw()
    self.app:with_session(function() end)
  end
  if options and options.focus == false then
    vim.api.nvim_set_current_win(back)
  else
    M.focus_prompt()
  end
end

--- The two windows are one thing: closing one closes the other.
---@param top integer
---@param bottom integer
function M.close_together(top, bottom)
  vim.api.nvim_create_autocmd("WinClosed", {
    group = app.get().group,
    pattern = { tostring(top), tostring(bottom) },
    once = true,
    callback = vim.schedule_wrap(function()
      window.close(top)
      window.close(bottom)
    end),
  })
end

function M.focus_prompt()
  local win = prompt.window()
  if not win then
    return M.open()
  end
  vim.api.nvim_set_current_win(win)
  if app.get().config.chat.insert then
    vim.cmd("startinsert!")
  end
end

function M.close()
  if chat then
    local bottom, top = prompt.window(), window.showing(chat.buffer)
    vim.cmd.stopinsert()
    window.close(bottom)
    window.close(top)
  end
end

function M.toggle()
  if M.is_open() then
    M.close()
  else
    M.open()
  end
end

return M
