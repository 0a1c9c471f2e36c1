--- `:Pillion SUBCOMMAND`: turns what was typed into requests. One function a subcommand.

local app = require("pillion.app")
local protocol = require("pillion.protocol")
local state = require("pillion.state")
local task_line = require("pillion.task_line")

local M = {}

local methods = protocol.methods

---@class pillion.Command
---@field text string what stands after the subcommand
---@field words string[]
---@field range? {first: integer, last: integer} 1-based lines, when a range was typed

local function current_file()
  local name = vim.api.nvim_buf_get_name(0)
  return vim.bo.buftype == "" and name ~= "" and name or nil
end

local function link(command)
  local file = current_file()
  if file then
    local range = command.range
    return require("pillion.prompt").link(file, range and range.first, range and range.last)
  end
end

local function send(owner, text, attached)
  if owner:start() then
    local prompt = require("pillion.prompt")
    vim.list_extend(attached, prompt.take(owner))
    owner:prompt(prompt.blocks(text, attached, owner.client.root))
    require("pillion.chat").open({ focus = false })
  end
end

local scopes = { "file", "package", "workspace" }

--- One line about what a start has come to.
---@param owner pillion.App
---@param reply any of `pillion/task/start`
local function say_started(owner, reply)
  local task = type(reply) == "table" and reply.task
  if not task then
    return
  end
  local text = " runs in the background"
  if reply.folded then
    text = (": already running since %s as %s"):format(task_line.duration(task.elapsedMs, true), task.id)
  elseif task.waitingFor then
    text = ": " .. table.concat(task_line.parts(task, { tasks = owner.state.tasks }), " · ")
  elseif task.watching then
    text = text .. ", again when files change"
  end
  app.say(task.label .. text)
end

local function project(kind)
  return function(owner, command)
    local scope = command.words[1] or "package"
    if not vim.tbl_contains(scopes, scope) then
      return app.say(
        ("`%s` is not a scope: %s"):format(scope, table.concat(scopes, ", ")),
        vim.log.levels.WARN
      )
    end
    local file = current_file() or M.last_file
    owner:request("workspace/executeCommand", {
      command = "pillion." .. kind,
      arguments = { { scope = scope, uri = file and vim.uri_from_fname(file) or nil } },
    }, function(reply)
      say_started(owner, reply)
    end)
  end
end

local function is_over(task)
  return protocol.is_final(task.status)
end

local function any()
  return true
end

--- Another window's task is meant only where one points at it.
local function own(fits)
  return function(task)
    return fits(task) and (task.owned ~= false or require("pillion.tasks").under_cursor() == task)
  end
end

---@type table<string, fun(owner: pillion.App, command: pillion.Command)>
local run = {
  chat = function()
    require("pillion.chat").open()
  end,

  ask = function(owner, command)
    if command.text == "" then
      return require("pillion.chat").open()
    end
    send(owner, command.text, command.range and { link(command) } or {})
  end,

  add = function(owner, command)
    local block = link(command)
    if not block then
      return app.say("this buffer is not a file", vim.log.levels.WARN)
    end
    require("pillion.prompt").attach(owner, block)
    app.say(require("pillion.transcript").block_text(block) .. " goes with the next message")
  end,

  test = project("test"),
  build = project("build"),
  lint = project("lint"),

  run = function(owner, command)
    local watched = command.words[1] == "--watch"
    local text = watched and vim.trim(command.text:sub(#"--watch" + 1)) or command.text
    if text == "" then
      return app.say("what to run? :Pillion run [--watch] COMMAND", vim.log.levels.WARN)
    end
    local start = { command = text, cwd = vim.fn.getcwd(), watch = watched or nil }
    owner:request(methods.task_start, start, function(reply)
      say_started(owner, reply)
    end)
  end,

  tasks = function()
    require("pillion.tasks").open()
  end,

  stop = function(owner, command)
    local tasks = require("pillion.tasks")
    if command.words[1] == "all" then
      for _, task in ipairs(state.tasks(owner.state)) do
        if task.owned ~= false and protocol.can_stop(task) then
          tasks.stop(task.id)
        end
      end
      return
    end
    tasks.pick(command.words[1], own(protocol.can_stop), "nothing runs", function(task)
      tasks.stop(task.id)
    end)
  end,

  rerun = function(_, command)
    local tasks = require("pillion.tasks")
    tasks.pick(command.words[1], own(is_over), "nothing has run yet", function(task)
      tasks.rerun(task.id)
    end, true)
  end,

  log = function(_, command)
    require("pillion.tasks").pick(command.words[1], any, "no task has run yet", function(task)
      require("pillion.log").open(task.id)
    end)
  end,

  fix = function(owner)
    local row = vim.api.nvim_win_get_cursor(0)[1]
    local found = vim.diagnostic.get(0, { lnum = row - 1 })
    local file = current_file()
    if #found == 0 or not file then
      return app.say("no diagnostic on this line", vim.log.levels.WARN)
    end
    local lines = vim.tbl_map(function(diagnostic)
      local from = table.concat({ diagnostic.source, diagnostic.code and tostring(diagnostic.code) }, " ")
      return ("%s%s"):format(diagnostic.message, from ~= "" and " (" .. from .. ")" or "")
    end, found)
    local place = ("%s:%d"):format(vim.fn.fnamemodify(file, ":."), row)
    send(owner, ("Fix this at %s:\n%s"):format(place, table.concat(lines, "\n")), {
      require("pillion.prompt").link(file, row, row),
    })
  end,

  answer = function()
    require("pillion.questions").answer()
  end,

  session = function(owner, command)
    require("pillion.sessions").run(
      owner,
      command.words[1] or "list",
      vim.trim(command.text:gsub("^%S+", ""))
    )
  end,

  model = function(owner, command)
    require("pillion.sessions").model(owner, command.words[1])
  end,

  mode = function(owner, command)
    require("pillion.sessions").mode(owner, command.words[1])
  end,

  undo = function(owner)
    require("pillion.undo").last_turn(owner)
  end,

  cancel = function(owner)
    owner:cancel()
  end,
}

M.names = vim.tbl_keys(run)
table.sort(M.names)

--- Runs what `:Pillion` was given; without a subcommand it opens or closes the chat.
---@param args {args: string, fargs: string[], range: integer, line1: integer, line2: integer}
function M.run(args)
  local name, text = args.args:match("^%s*(%S*)%s*(.-)%s*$")
  if name == "" then
    return require("pillion.chat").toggle()
  end
  local action = run[name]
  if not action then
    local known = table.concat(M.names, ", ")
    return app.say(("`%s` is not a command: %s"):format(name, known), vim.log.levels.ERROR)
  end
  M.last_file = current_file() or M.last_file
  action(app.get(), {
    text = text,
    words = vim.split(text, "%s+", { trimempty = true }),
    range = args.range > 0 and { first = args.line1, last = args.line2 } or nil,
  })
end

local function task_ids(fits)
  local owner = app.peek()
  return owner
      and vim.tbl_map(function(task)
        return task.id
      end, vim.tbl_filter(fits, state.tasks(owner.state)))
    or {}
end

---@type table<string, fun(): string[]>
local values = {
  stop = function()
    return vim.list_extend({ "all" }, task_ids(protocol.can_stop))
  end,
  rerun = function()
    return task_ids(is_over)
  end,
  log = function()
    return task_ids(any)
  end,
  session = function()
    return { "new", "list", "rename", "delete", "export" }
  end,
  model = function()
    local owner = app.peek()
    return owner and owner.client and require("pillion.sessions").model_names(owner) or {}
  end,
  mode = function()
    local owner = app.peek()
    local session = owner and state.current(owner.state)
    return vim.tbl_map(function(mode)
      return mode.id
    end, session and session.modes or {})
  end,
}
for _, name in ipairs({ "test", "build", "lint" }) do
  values[name] = function()
    return scopes
  end
end

--- Completion of subcommands and of their first word.
---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local typed = line:match("Pillion!?%s+(.*)$") or ""
  local name = typed:match("^(%S+)%s")
  local all = M.names
  if name then
    all = values[name] and values[name]() or {}
    if name == "run" then
      return vim.fn.getcompletion(lead, "file")
    end
  end
  return vim.tbl_filter(function(word)
    return vim.startswith(word, lead)
  end, all)
end

return M
