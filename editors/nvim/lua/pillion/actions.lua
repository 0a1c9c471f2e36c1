--- The server's code actions that end in a view: what they do here instead of in the server. The others the
--- server carries out.

local M = {}

--- Asks for a fix in the conversation that is open here.
---@param owner pillion.App
---@param uri string
---@param diagnostic lsp.Diagnostic
function M.fix(owner, uri, diagnostic)
  local file, row = vim.uri_to_fname(uri), diagnostic.range.start.line + 1
  local from = vim.tbl_filter(function(part)
    return type(part) == "string" or type(part) == "number"
  end, { diagnostic.source or false, diagnostic.code or false })
  local words = #from > 0 and (" (%s)"):format(table.concat(from, " ")) or ""
  local place = ("%s:%d"):format(vim.fn.fnamemodify(file, ":."), row)
  if owner:start() then
    local prompt = require("pillion.prompt")
    local text = ("Fix this at %s:\n%s%s"):format(place, diagnostic.message, words)
    owner:prompt(prompt.blocks(text, { prompt.link(file, row, row) }, owner.client.root))
    require("pillion.chat").open({ focus = false })
  end
end

--- Handlers for `vim.lsp.start`.
---@param owner pillion.App
---@return table<string, fun(command: lsp.Command)>
function M.commands(owner)
  return {
    ["pillion.fix"] = function(command)
      M.fix(owner, command.arguments[1], command.arguments[2])
    end,
    ["pillion.task.show"] = function(command)
      require("pillion.log").open(command.arguments[1])
    end,
  }
end

return M
