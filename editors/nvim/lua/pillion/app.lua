--- The one owner: it holds the state and the connection, puts messages through the reducer, performs
--- what follows from them outside of any view (events, notices, re-reading files), and tells the
--- views. Views read `app.state` and never change it.

local awaiting = require("pillion.awaiting")
local client = require("pillion.client")
local config = require("pillion.config")
local documents = require("pillion.documents")
local effects = require("pillion.effects")
local protocol = require("pillion.protocol")
local state = require("pillion.state")

local M = {}

---@class pillion.App
---@field config pillion.Config
---@field state pillion.State
---@field client? pillion.Client
---@field awaiting pillion.Awaiting
---@field models? string[] the names of the models, as they were listed last
---@field private listeners table<string, fun(effect: table)>
---@field private responders table<string, {respond: function, request: any}> by question id
---@field private session_waiters {ready: function, failed?: function}[]? set while `session/new` is under way
local App = {}
App.__index = App

local FLUSH_MS = 30
local RESTARTS, RESTART_WINDOW_MS = 3, 60000

---@type pillion.App?
local current

local function now()
  return math.floor(vim.uv.hrtime() / 1e6)
end

--- The one of this editor, made at first use.
---@return pillion.App
function M.get()
  if not current then
    current = M.new(config.resolve({}))
  end
  return current
end

--- Replaces the one of this editor: `setup()` and the tests.
---@param app? pillion.App
function M.set(app)
  if current then
    current:dispose()
  end
  current = app
end

--- Whether one exists: the status line must not start anything.
---@return pillion.App?
function M.peek()
  return current
end

---@param settings pillion.Config
---@return pillion.App
function M.new(settings)
  local self = setmetatable({}, App)
  self.config = settings
  self.state = state.new()
  self.listeners = {}
  self.responders = {}
  self.awaiting = awaiting.new()
  self.started_at = {}
  self.group = vim.api.nvim_create_augroup("pillion", { clear = true })
  for name, link in pairs({
    PillionRunning = "DiagnosticInfo",
    PillionPassed = "DiagnosticOk",
    PillionFailed = "DiagnosticError",
    PillionQuestion = "DiagnosticWarn",
    PillionMuted = "Comment",
  }) do
    vim.api.nvim_set_hl(0, name, { link = link, default = true })
  end
  return self
end

M.say = effects.say

--- A view registers under its name; the same name replaces the older one.
---@param name string
---@param listener? fun(effect: table)
function App:listen(name, listener)
  self.listeners[name] = listener
end

---@param effect table
function App:tell(effect)
  for _, listener in pairs(self.listeners) do
    listener(effect)
  end
end

---@param paths? string[]
function App:reload(paths)
  if self.client then
    self.client:reload(paths)
  end
end

--- Performs effects and tells the views; what they draw is drawn once for many.
---@param list table[]
function App:handle(list)
  for _, effect in ipairs(list) do
    self:tell(effect)
    if effects.perform[effect.type] then
      effects.perform[effect.type](self, effect)
    end
  end
  if #list > 0 then
    self:flush_soon()
  end
end

function App:flush_soon()
  if self.flushing then
    return
  end
  self.flushing = true
  vim.defer_fn(function()
    self.flushing = false
    self:tell({ type = "flush" })
    self:tick()
    pcall(vim.cmd.redrawstatus, { bang = true })
  end, FLUSH_MS)
end

--- While something runs, the times in the views go on once a second.
function App:tick()
  local live = state.counts(self.state).running > 0
  if live and not self.timer then
    self.timer = assert(vim.uv.new_timer())
    self.timer:start(
      1000,
      1000,
      vim.schedule_wrap(function()
        self:tell({ type = "tick" })
        self:tell({ type = "flush" })
      end)
    )
  elseif not live and self.timer then
    self.timer:close()
    self.timer = nil
  end
end

--- How long a task has run, in ms.
---@param task pillion.Task
---@return integer?
function App:elapsed(task)
  return state.elapsed(self.state, task, now())
end

---@return pillion.ClientEvents
function App:events()
  return {
    notification = function(method, params)
      if method == protocol.incoming.task_output then
        self:tell({ type = "output", output = params })
      else
        self:handle(state.apply(self.state, method, params, now()))
      end
    end,
    permission = function(params, respond, id)
      self.responders[params.questionId] = { respond = respond, request = id }
      self:handle(state.ask(self.state, params))
    end,
    withdrawn = function(id)
      for question, entry in pairs(self.responders) do
        if entry.request == id then
          self.responders[question] = nil
          self:handle(state.close_question(self.state, question))
        end
      end
    end,
    commands = require("pillion.actions").commands(self),
    ready = function()
      self:handle({ { type = "ready" } })
    end,
    gone = function(code, words)
      self:server_gone(code, words)
    end,
  }
end

--- Answers a permission question; an answer to one that is no longer open does nothing.
---@param id string
---@param outcome table
---@return boolean was open
function App:answer(id, outcome)
  local entry = self.responders[id]
  self.responders[id] = nil
  if entry then
    entry.respond({ outcome = outcome })
  end
  self:handle(state.close_question(self.state, id))
  return entry ~= nil
end

--- Starts the server if need be. False after saying why not.
---@return boolean
function App:start()
  if not self.client then
    self.client = client.new(self.config, config.root(self.config), self:events())
    self:watch_buffers()
  end
  local ok, problem = self.client:start()
  if not ok then
    M.say(problem or "the server could not be started", vim.log.levels.ERROR)
  end
  return ok
end

function App:watch_buffers()
  vim.api.nvim_create_autocmd(
    { "BufReadPost", "BufNewFile", "BufWritePost", "BufFilePost", "FileChangedShellPost" },
    {
      group = self.group,
      desc = "Pillion: the workspace's files are known to the server",
      callback = function(args)
        self.client:attach(args.buf)
      end,
    }
  )
  vim.api.nvim_create_autocmd("BufUnload", {
    group = self.group,
    callback = function(args)
      self.client.documents:forget(args.buf)
    end,
  })
  vim.api.nvim_create_autocmd("DiagnosticChanged", {
    group = self.group,
    callback = function(args)
      documents.others_changed(args.buf)
    end,
  })
end

---@private
function App:server_gone(code, words)
  self.responders = {}
  self:handle(state.new_instance(self.state))
  local last = words:match("[^\n]*$")
  local at = now()
  self.started_at = vim.tbl_filter(function(moment)
    return at - moment < RESTART_WINDOW_MS
  end, self.started_at)
  if #self.started_at >= RESTARTS then
    self.client:give_up()
    self:session_failed()
    M.say(("the server keeps ending (code %d). %s"):format(code, last), vim.log.levels.ERROR)
    return
  end
  table.insert(self.started_at, at)
  M.say(("the server ended (code %d) and is started again. %s"):format(code, last), vim.log.levels.WARN)
  if self:start() and self.state.current then
    self:load_session(self.state.current)
  end
end

--- A request with the errors told calmly. `callback` hears of success only, unless it takes errors.
---@param method string
---@param params table
---@param callback? fun(result: any)
---@param on_error? fun(err: table): boolean? true when it said enough
function App:request(method, params, callback, on_error)
  if not self:start() then
    return
  end
  self.client:request(method, params, function(err, result)
    if not err then
      if callback then
        callback(result)
      end
    elseif not (on_error and on_error(err)) then
      if err.code == protocol.errors.method_not_found then
        local command = method == "workspace/executeCommand" and params.command
        local what = command or method:gsub("^pillion/", "")
        M.say(("this server has no `%s` yet"):format(what), vim.log.levels.WARN)
      else
        M.say(err.message, vim.log.levels.ERROR) -- it ends with the remedy
      end
    end
  end)
end

--- Calls back with the session of the chat, made at first need.
---@param ready fun(session: pillion.Session)
---@param failed? fun()
function App:with_session(ready, failed)
  local session = state.current(self.state)
  if session then
    return ready(session)
  end
  local under_way = self.session_waiters ~= nil
  self.session_waiters = self.session_waiters or {}
  table.insert(self.session_waiters, { ready = ready, failed = failed })
  if not under_way then
    self:new_session()
  end
end

---@private
function App:session_failed()
  local waiters = self.session_waiters or {}
  self.session_waiters = nil
  for _, waiter in ipairs(waiters) do
    if waiter.failed then
      waiter.failed()
    end
  end
end

--- Begins a new session and shows it.
function App:new_session()
  if not self:start() then
    return self:session_failed()
  end
  self:request(protocol.methods.session_new, { cwd = self.client.root }, function(reply)
    self:handle(state.open_session(self.state, reply))
    local waiters = self.session_waiters or {}
    self.session_waiters = nil
    for _, waiter in ipairs(waiters) do
      waiter.ready(self.state.sessions[reply.sessionId])
    end
  end, function()
    self:session_failed()
    return false
  end)
end

--- Shows an older session; its conversation is replayed.
---@param id string
---@param move? boolean take it from the window that has it open
function App:load_session(id, move)
  self:request(protocol.methods.session_load, { sessionId = id, move = move }, function(reply)
    reply.sessionId = reply.sessionId or id
    self:handle(state.open_session(self.state, reply))
  end, function(err)
    local in_use = not move and type(err.data) == "table" and err.data.kind == "session_in_use"
    if in_use then
      vim.ui.select({ "Move it here", "Leave it there" }, {
        prompt = "This conversation is open in another window.",
        kind = "pillion_move",
      }, function(choice)
        if choice == "Move it here" then
          self:load_session(id, true)
        end
      end)
    end
    return in_use
  end)
end

--- Sends a prompt. While a turn runs the server queues it; while a question is open it answers "no".
---@param blocks pillion.ContentBlock[]
---@param failed? fun() it did not arrive
function App:prompt(blocks, failed)
  self:with_session(function(session)
    self:request(protocol.methods.session_prompt, { sessionId = session.id, prompt = blocks }, function(reply)
      self.awaiting:sent(reply.promptId, blocks)
    end, function()
      if failed then
        failed()
      end
      return false
    end)
  end, failed)
end

--- Stops the running turn; tasks go on.
function App:cancel()
  local session = state.current(self.state)
  if session and self.client then
    self.client:notify(protocol.methods.session_cancel, { sessionId = session.id, turnId = session.turn })
  end
end

function App:dispose()
  vim.api.nvim_clear_autocmds({ group = self.group })
  if self.timer then
    self.timer:close()
    self.timer = nil
  end
  if self.client then
    self.client:stop()
  end
  self:tell({ type = "disposed" })
  self.listeners = {}
end

return M
