--- The connection: starts `pillion serve` through `vim.lsp`, attaches the workspace's buffers, and
--- hands messages on. It holds no belief about sessions or tasks, and asks a person nothing.

local documents = require("pillion.documents")
local protocol = require("pillion.protocol")
local rpc = require("pillion.rpc")

local M = {}

---@class pillion.ClientEvents what the owner wants to hear of
---@field notification fun(method: string, params: table)
---@field permission fun(params: table, respond: fun(result: any, err?: table), id: any)
---@field withdrawn fun(id: any)
---@field ready fun()
---@field commands table<string, fun(command: lsp.Command)> the server's commands that end in a view here
---@field gone fun(code: integer, last_words: string) the process ended without being asked to

---@class pillion.Client
---@field root string
---@field lsp? vim.lsp.Client set once the server has answered `initialize`
---@field documents pillion.Documents
---@field version? string of the server
local Client = {}
Client.__index = Client

--- A token that this Neovim keeps for its life, also when the plugin is loaded anew: by it the next server goes on
--- with what the last one left running.
---@return string
local function client_token()
  local token = vim.g.pillion_client_token
  if type(token) ~= "string" then
    token = ("%x-%x"):format(vim.uv.hrtime(), vim.uv.os_getpid())
    vim.g.pillion_client_token = token
  end
  return token
end

local function capabilities()
  return {
    experimental = {
      pillion = {
        version = protocol.VERSION,
        sessionUpdates = true,
        requestPermission = true,
        documentSave = true,
        diagnostics = true,
        clientToken = client_token(),
      },
    },
  }
end

--- Beside the code stands a problem's first line; the tool's whole text is in the float. A person who shows no text
--- there gets none.
local function show_first_lines(id)
  local shown = vim.diagnostic.config().virtual_text
  if shown then
    local own = type(shown) == "table" and shown or {}
    local format = function(diagnostic)
      return (diagnostic.message:match("^[^\n]*"))
    end
    local text = vim.tbl_extend("keep", own, { format = format })
    vim.diagnostic.config({ virtual_text = text }, vim.lsp.diagnostic.get_namespace(id))
  end
end

---@param config pillion.Config
---@param root string
---@param events pillion.ClientEvents
---@return pillion.Client
function M.new(config, root, events)
  local self = setmetatable({}, Client)
  self.config, self.root, self.events = config, root, events
  self.documents = documents.new()
  self.queue = {} ---@type function[] waiting for `initialize`
  return self
end

---@private
function Client:handlers()
  local handlers = {}
  for _, method in ipairs({
    protocol.incoming.update,
    protocol.incoming.task_status,
    protocol.incoming.task_snapshot,
    protocol.incoming.task_output,
  }) do
    handlers[method] = function(_, params)
      self.events.notification(method, params)
    end
  end
  handlers["textDocument/publishDiagnostics"] = documents.publish
  handlers["workspace/applyEdit"] = function(_, params, context)
    local client = vim.lsp.get_client_by_id(context.client_id)
    return documents.apply_edit(params, client and client.offset_encoding or "utf-16")
  end
  handlers[protocol.incoming.diagnostics_get] = function(_, params)
    return require("pillion.diagnostics").get(params.uri)
  end
  handlers[protocol.incoming.document_save] = function(_, params)
    local reply = self.documents:save(params.uris or {})
    for _, failed in ipairs(reply.failed) do
      local text = ("Pillion: %s was not saved: %s"):format(documents.short(failed.uri), failed.reason)
      vim.notify(text, vim.log.levels.WARN)
    end
    return reply
  end
  return handlers
end

--- Starts the server if it does not run.
---@return boolean started or already running
---@return string? problem
function Client:start()
  if self.id then
    return true
  end
  local cmd = self.config.cmd
  if vim.fn.executable(cmd[1]) == 0 then
    return false,
      ("`%s` was not found. Install it, or name it with `cmd` in setup(); see :checkhealth pillion"):format(
        cmd[1]
      )
  end
  local last_words = ""
  self.stopping = false
  local settings = self.config.settings
  self.id = vim.lsp.start({
    name = "pillion",
    cmd = function(dispatchers)
      return rpc.start({
        cmd = cmd,
        cwd = vim.fn.isdirectory(self.root) == 1 and self.root or nil,
        env = self.config.cmd_env,
        requests = { [protocol.incoming.request_permission] = self.events.permission },
        withdrawn = self.events.withdrawn,
        stderr = function(text)
          last_words = vim.trim((last_words .. text):sub(-2000))
        end,
        exited = function(code)
          self.id, self.lsp = nil, nil
          if not self.stopping and vim.v.exiting == vim.NIL then
            self.events.gone(code, last_words)
          end
        end,
      }, dispatchers)
    end,
    root_dir = self.root,
    capabilities = capabilities(),
    init_options = next(settings) and settings or vim.empty_dict(),
    handlers = self:handlers(),
    commands = self.events.commands,
    flags = { debounce_text_changes = 0, exit_timeout = 1000 },
    on_init = function(client, reply)
      self.lsp = client
      show_first_lines(client.id)
      self.version = reply.serverInfo and reply.serverInfo.version
      self:attach_all()
      self.events.ready()
      local queue = self.queue
      self.queue = {}
      for _, callback in ipairs(queue) do
        callback(client)
      end
    end,
  }, {
    attach = false,
    reuse_client = function()
      return false
    end,
  })
  return self.id ~= nil, self.id == nil and "the server could not be started; see :checkhealth pillion" or nil
end

--- Whether a buffer is a file of the workspace.
---@param buffer integer
---@return boolean
function Client:is_ours(buffer)
  if not vim.api.nvim_buf_is_loaded(buffer) or vim.bo[buffer].buftype ~= "" then
    return false
  end
  local name = vim.api.nvim_buf_get_name(buffer)
  if name == "" or name:find("^%a[%w+.-]*://") then
    return false
  end
  local path = vim.fs.normalize(name)
  local real = vim.uv.fs_realpath(path) or path
  local root = vim.uv.fs_realpath(self.root) or self.root
  return vim.startswith(path, self.root .. "/") or vim.startswith(real, root .. "/")
end

---@param buffer integer
function Client:attach(buffer)
  if self.lsp and self:is_ours(buffer) then
    vim.lsp.buf_attach_client(buffer, self.lsp.id)
    self.documents:note(buffer)
  end
end

function Client:attach_all()
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    self:attach(buffer)
  end
end

--- Re-reads clean buffers after a tool touched files.
---@param paths? string[] nil: every attached buffer
function Client:reload(paths)
  local wanted = {}
  for _, path in ipairs(paths or {}) do
    wanted[vim.uv.fs_realpath(path) or vim.fs.normalize(path)] = true
  end
  local buffers = {}
  for buffer in pairs(self.lsp and self.lsp.attached_buffers or {}) do
    local name = vim.api.nvim_buf_is_valid(buffer) and vim.api.nvim_buf_get_name(buffer) or ""
    if not paths or wanted[vim.uv.fs_realpath(name) or name] then
      buffers[#buffers + 1] = buffer
    end
  end
  documents.reload(buffers)
  for _, buffer in ipairs(buffers) do
    if not vim.bo[buffer].modified then
      self.documents:note(buffer)
    end
  end
end

--- Calls back with the client once the server is ready.
---@param callback fun(client: vim.lsp.Client)
function Client:when_ready(callback)
  if self.lsp then
    callback(self.lsp)
  else
    table.insert(self.queue, callback)
  end
end

--- A request; starts nothing by itself.
---@param method string
---@param params table
---@param callback fun(err?: table, result: any)
function Client:request(method, params, callback)
  self:when_ready(function(client)
    local sent = client:request(method, next(params) and params or vim.empty_dict(), function(err, result)
      callback(err, result)
    end, 0)
    if not sent then
      callback({ code = 0, message = "the server has gone" }, nil)
    end
  end)
end

---@param method string
---@param params table
function Client:notify(method, params)
  self:when_ready(function(client)
    client:notify(method, params)
  end)
end

--- Drops what waits for a server that does not come.
function Client:give_up()
  self.queue = {}
end

function Client:stop()
  self.stopping = true
  local client = self.id and vim.lsp.get_client_by_id(self.id)
  if client then
    client:stop()
  end
end

return M
