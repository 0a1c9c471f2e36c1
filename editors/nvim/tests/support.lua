--- What the specs share: waiting for events, a workspace of its own for each test, the fake server.

local M = {}

local here = vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":p:h")

--- Waits until `check` gives something true, which is returned; fails with `what` when it never does.
function M.wait(what, check, timeout)
  local value
  local ok = vim.wait(timeout or 5000, function()
    value = check()
    return value and true or false
  end, 5)
  if not ok then
    error(("waited in vain for %s"):format(what), 2)
  end
  return value
end

function M.eq(expected, actual, what)
  if not vim.deep_equal(expected, actual) then
    local text = "%sexpected %s\n     got %s"
    error(text:format(what and what .. ": " or "", vim.inspect(expected), vim.inspect(actual)), 2)
  end
end

--- `needle` stands in `text` as it is.
function M.has(text, needle)
  text = type(text) == "table" and table.concat(text, "\n") or text
  if not text:find(needle, 1, true) then
    error(("expected %q in:\n%s"):format(needle, text), 2)
  end
end

function M.write(path, text)
  vim.fn.mkdir(vim.fs.dirname(path), "p")
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

function M.read(path)
  local file = assert(io.open(path, "r"))
  local text = file:read("*a")
  file:close()
  return text
end

--- A new folder with a `.git`, and the editor in it.
function M.workspace(files)
  local made = vim.fn.tempname()
  vim.fn.mkdir(made .. "/.git", "p")
  local dir = assert(vim.uv.fs_realpath(made))
  for name, text in pairs(files or {}) do
    M.write(dir .. "/" .. name, text)
  end
  vim.cmd.cd(dir)
  return dir
end

--- What was said by `vim.notify` since the test began.
M.said = {}

function M.listen_to_notices()
  M.said = {}
  vim.notify = function(text)
    table.insert(M.said, text)
  end
end

--- Sets the plugin up with the fake server and starts it.
function M.start(options)
  require("pillion").setup(vim.tbl_deep_extend("force", {
    cmd = { vim.fn.exepath("python3"), here .. "/fake_server.py" },
    chat = { insert = false },
  }, options or {}))
  local app = require("pillion.app").get()
  assert(app:start())
  M.wait("the handshake", function()
    return app.client.lsp
  end)
  return app
end

--- Ends the plugin of a test and every window that it opened.
function M.stop()
  local app = require("pillion.app").get()
  require("pillion.app").set(nil)
  if app.client then
    M.wait("the end of the server", function()
      return not app.client.id
    end)
  end
  vim.cmd("tabnew | tabonly! | silent! %bwipeout!")
end

local request_id = 1000

--- Makes the fake server send messages: `{method, params}` is a notification.
function M.emit(app, ...)
  local messages = {}
  for _, message in ipairs({ ... }) do
    messages[#messages + 1] = { method = message[1], params = message[2], id = message.id }
  end
  app.client.lsp:notify("fake/emit", { messages = messages })
end

function M.next_id()
  request_id = request_id + 1
  return request_id
end

function M.reply(app, method, reply)
  app.client.lsp:notify("fake/reply", vim.tbl_extend("force", { method = method }, reply))
end

--- Everything that the fake server got.
function M.log(app)
  local answer = app.client.lsp:request_sync("fake/log", vim.empty_dict(), 5000)
  return assert(answer and answer.result, "the fake server did not answer")
end

--- Waits for a message to the server; `check` may look at it more closely.
function M.received(app, method, check)
  return M.wait(method .. " at the server", function()
    for _, message in ipairs(M.log(app)) do
      if message.method == method and (not check or check(message.params, message)) then
        return message
      end
    end
  end)
end

--- Waits for the client's answer to a request of the server.
function M.answered(app, id)
  return M.wait("the answer to " .. id, function()
    for _, message in ipairs(M.log(app)) do
      if message.id == id and not message.method then
        return message
      end
    end
  end)
end

local seq = 0

--- A session update.
function M.update(update, extra)
  seq = seq + 1
  local params =
    vim.tbl_extend("force", { sessionId = "s1", turnId = "t1", seq = seq, update = update }, extra or {})
  return { "pillion/session/update", params }
end

--- A task as the contract has it.
function M.task(fields)
  return vim.tbl_deep_extend("force", {
    id = "t1k9",
    kind = "shell",
    label = "cargo test",
    command = "cargo test",
    cwd = "/w",
    group = "test",
    origin = "agent",
    sessionId = "s1",
    owned = true,
    status = "running",
    stopping = false,
    run = 1,
    attempt = 1,
    maxAttempts = 1,
    flaky = false,
    onExit = "wake",
    lifetime = "session",
    createdAt = "2026-01-01T00:00:00.000Z",
    startedAt = "2026-01-01T00:00:00.012Z",
    elapsedMs = 8000,
    stragglers = 0,
    unsaved = {},
    output = { path = "/tmp/x", bytes = 0, lines = 0, truncated = false },
    progress = { message = "12/50", percent = 24, passed = 12, failed = 0, skipped = 0 },
    diagnostics = { errors = 0, warnings = 0 },
    delivery = "none",
  }, fields or {})
end

--- A task's status as a notification.
function M.status(fields)
  seq = seq + 1
  return { "pillion/task/status", { seq = seq, task = M.task(fields) } }
end

function M.lines(buffer)
  return vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
end

--- The buffer with this filetype.
function M.buffer_of(filetype)
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buffer) and vim.bo[buffer].filetype == filetype then
      return buffer
    end
  end
end

--- Records `User` events of a name; gives the list of their data.
function M.events(name)
  local seen = {}
  vim.api.nvim_create_autocmd("User", {
    pattern = name,
    callback = function(args)
      table.insert(seen, args.data)
    end,
  })
  return seen
end

--- Presses keys as a person would.
function M.press(keys)
  vim.api.nvim_feedkeys(vim.keycode(keys), "xt", false)
end

--- The lines of the chat.
function M.chat_text()
  return M.lines(M.buffer_of("pillion-chat"))
end

--- Opens the chat and waits for its session.
function M.open_chat(app)
  vim.cmd("Pillion")
  M.wait("the session", function()
    return app.state.current
  end)
end

--- Waits until the chat shows a text.
function M.shows(needle)
  M.wait(("%q in the chat"):format(needle), function()
    return table.concat(M.chat_text(), "\n"):find(needle, 1, true)
  end)
end

--- A permission question; returns its request id.
function M.ask(app, question, fields)
  local id = M.next_id()
  M.emit(app, {
    "pillion/session/request_permission",
    vim.tbl_extend("force", {
      sessionId = "s1",
      questionId = question or "q1",
      toolCall = {
        toolCallId = "c1",
        title = "npm install",
        name = "bash",
        kind = "execute",
        rawInput = {},
        content = {},
      },
      options = {
        { optionId = "yes", name = "Yes", kind = "allow_once" },
        { optionId = "always", name = "Always allow npm *", kind = "allow_always" },
        { optionId = "no", name = "No, and say why", kind = "reject_once" },
      },
    }, fields or {}),
    id = id,
  })
  return id
end

--- Replaces the choices of `vim.ui` by fixed answers for one call of `action`.
function M.choosing(choice, input, action)
  local select, text = vim.ui.select, vim.ui.input
  local shown = {}
  vim.ui.select = function(items, options, callback)
    shown.items, shown.prompt = vim.tbl_map(options.format_item or tostring, items), options.prompt
    callback(choice and items[choice] or nil)
  end
  vim.ui.input = function(options, callback)
    shown.input = options.prompt
    callback(input)
  end
  local ok, err = pcall(action)
  vim.ui.select, vim.ui.input = select, text
  assert(ok, err)
  return shown
end

return M
