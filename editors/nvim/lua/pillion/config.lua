--- The person's settings with their defaults. Only reads and checks them.

local M = {}

---@class pillion.Config
---@field cmd string[] how the server is started
---@field cmd_env? table<string, string> added to the server's environment
---@field root_dir? string|fun(): string the workspace; default: the nearest folder with `.git`, else the working directory
---@field settings table the server's settings, the same keys as its config file
---@field autostart boolean start with the first file of the workspace, not only with the first `:Pillion`
---@field notify boolean tell of questions and of failed tasks by `vim.notify`
---@field chat {width: number, prompt_height: integer, insert: boolean}
---@field tasks {height: integer}
---@field log {height: integer, lines: integer}

---@type pillion.Config
M.defaults = {
  cmd = { "pillion", "serve" },
  cmd_env = nil,
  root_dir = nil,
  settings = {},
  autostart = false,
  notify = true,
  chat = { width = 0.4, prompt_height = 4, insert = true },
  tasks = { height = 10 },
  log = { height = 12, lines = 5000 },
}

--- Merges the person's options over the defaults; an unknown or mistyped one is an error that names it.
---@param options? table
---@return pillion.Config
function M.resolve(options)
  options = options or {}
  vim.validate("options", options, "table")
  for key in pairs(options) do
    local known = M.defaults[key] ~= nil or key == "cmd_env" or key == "root_dir"
    assert(known, ("pillion.setup: unknown option `%s` (see :help pillion-setup)"):format(key))
  end
  local config = vim.tbl_deep_extend("force", M.defaults, options)
  if options.cmd then
    config.cmd = type(options.cmd) == "string" and { options.cmd, "serve" } or options.cmd
  end
  vim.validate("cmd", config.cmd, "table")
  vim.validate("cmd_env", config.cmd_env, "table", true)
  vim.validate("root_dir", config.root_dir, { "string", "function" }, true)
  vim.validate("settings", config.settings, "table")
  vim.validate("autostart", config.autostart, "boolean")
  vim.validate("notify", config.notify, "boolean")
  vim.validate("chat.width", config.chat.width, "number")
  return config
end

--- The workspace folder.
---@param config pillion.Config
---@return string
function M.root(config)
  local root = config.root_dir
  if type(root) == "function" then
    root = root()
  end
  local cwd = vim.fn.getcwd()
  return vim.fs.normalize(root or vim.fs.root(cwd, ".git") or cwd)
end

return M
