--- The wire to one `pillion serve`: starts the process, frames JSON-RPC on its stdio, pairs answers
--- with requests. It knows nothing of sessions or tasks.
---
--- `vim.lsp.rpc` is not used for one reason: it keeps the id of a server's request to itself, so that a
--- question which the server withdraws (`$/cancelRequest`) cannot be found again. What stands here
--- gives `vim.lsp.start` the same client object (its `cmd` may be a function), and on top of it lets a
--- server's request be answered whenever a person gets to it.

local M = {}

---@class pillion.RpcOptions
---@field cmd string[]
---@field cwd? string
---@field env? table<string, string>
---@field requests table<string, fun(params: table, respond: fun(result: any, err?: table), id: any)> answered later
---@field withdrawn fun(id: any) the server no longer wants an answer to its request `id`
---@field stderr fun(text: string)
---@field exited fun(code: integer) on the main loop

local REQUEST_FAILED = -32803
local MAX_HEADER = 8192

--- Splits a byte stream into message bodies.
---@param on_body fun(body: string)
---@return fun(chunk: string)
function M.deframer(on_body)
  local parts, size, need = {}, 0, nil ---@type string[], integer, integer?
  local function take(count)
    local all = table.concat(parts)
    parts, size = { all:sub(count + 1) }, #all - count
    return all:sub(1, count)
  end
  return function(chunk)
    parts[#parts + 1] = chunk
    size = size + #chunk
    while true do
      if not need then
        local all = table.concat(parts)
        parts = { all }
        local _, stop = all:find("\r\n\r\n", 1, true)
        if not stop then
          assert(#all < MAX_HEADER, "a header without an end")
          return
        end
        need = tonumber(take(stop):lower():match("content%-length:%s*(%d+)"))
        assert(need, "a frame without Content-Length")
      end
      if size < need then
        return
      end
      local count = need
      need = nil
      on_body(take(count))
    end
  end
end

---@param message table
---@return string
function M.frame(message)
  local body = vim.json.encode(message)
  return ("Content-Length: %d\r\n\r\n%s"):format(#body, body)
end

--- Starts the process. Gives what `vim.lsp.start` wants from a `cmd` function.
---@param options pillion.RpcOptions
---@param dispatchers vim.lsp.rpc.Dispatchers
---@return vim.lsp.rpc.PublicClient
function M.start(options, dispatchers)
  local process ---@type vim.SystemObj?
  local last_id = 0
  local waiting = {} ---@type table<integer, {method: string, callback: function, done?: function}>

  local function send(message)
    if not process or process:is_closing() then
      return false
    end
    message.jsonrpc = "2.0"
    process:write(M.frame(message))
    return true
  end

  --- A function that answers the request `id` once, and does nothing after that.
  local function responder(id)
    local answered = false
    return function(result, err)
      if not answered then
        answered = true
        if not err and result == nil then
          result = vim.NIL
        end
        send({ id = id, result = result, error = err })
      end
    end
  end

  local function on_request(message)
    local respond = responder(message.id)
    local own = options.requests[message.method]
    if own then
      own(message.params, respond, message.id)
      return
    end
    -- Neovim's own handlers may yield (showMessageRequest does): they run in a coroutine.
    coroutine.wrap(function()
      local ok, result, err = pcall(dispatchers.server_request, message.method, message.params)
      if not ok then
        result, err = nil, { code = vim.lsp.protocol.ErrorCodes.InternalError, message = tostring(result) }
      end
      respond(result, err)
    end)()
  end

  local function on_response(message)
    local entry = waiting[tonumber(message.id)]
    if not entry then
      return
    end
    waiting[tonumber(message.id)] = nil
    if entry.done then
      entry.done(tonumber(message.id))
    end
    entry.callback(message.error, message.result)
  end

  local function on_body(body)
    local ok, message = pcall(vim.json.decode, body, { luanil = { object = true } })
    if not ok or type(message) ~= "table" then
      dispatchers.on_error(vim.lsp.rpc.client_errors.INVALID_SERVER_JSON, message)
    elseif message.method and message.id ~= nil then
      on_request(message)
    elseif message.method == "$/cancelRequest" then
      options.withdrawn(message.params.id)
    elseif message.method then
      dispatchers.notification(message.method, message.params)
    elseif message.id ~= nil then
      on_response(message)
    end
  end

  -- One queue, so that what came in order is handled in order, on the main loop.
  local feed = M.deframer(vim.schedule_wrap(on_body))

  local function on_exit(result)
    vim.schedule(function()
      local left = waiting
      waiting = {}
      for id, entry in pairs(left) do
        if entry.done then
          entry.done(id)
        end
        -- Neovim asserts on a failed `initialize`; the exit itself is what is told there.
        if entry.method ~= "initialize" and entry.method ~= "shutdown" then
          entry.callback({ code = REQUEST_FAILED, message = "the server has gone" }, nil)
        end
      end
      options.exited(result.code ~= 0 and result.code or result.signal)
    end)
    dispatchers.on_exit(0, 0) -- else Neovim tells of the end too, once more and with less
  end

  process = vim.system(options.cmd, {
    stdin = true,
    stdout = function(err, chunk)
      local ok, why = true, err
      if chunk then
        ok, why = pcall(feed, chunk)
      end
      if err or not ok then
        vim.schedule(function()
          dispatchers.on_error(vim.lsp.rpc.client_errors.INVALID_SERVER_MESSAGE, why)
        end)
        if not ok then
          process:kill(15) -- the stream has lost its framing: nothing that follows can be read
        end
      end
    end,
    stderr = function(_, chunk)
      if chunk then
        vim.schedule(function()
          options.stderr(chunk)
        end)
      end
    end,
    cwd = options.cwd,
    env = options.env,
    detach = true, -- Ctrl-C in the terminal is for the editor, not for the sidecar
  }, on_exit)

  return {
    request = function(method, params, callback, done)
      local id = last_id + 1
      if not send({ id = id, method = method, params = params }) then
        return false
      end
      last_id = id
      waiting[id] = { method = method, callback = callback, done = done }
      return true, id
    end,
    notify = function(method, params)
      return send({ method = method, params = params })
    end,
    is_closing = function()
      return process:is_closing()
    end,
    terminate = function()
      process:kill(15)
    end,
  }
end

return M
