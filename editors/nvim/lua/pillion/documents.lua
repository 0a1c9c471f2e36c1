--- What the agent does to documents that are open here: edits of buffers, saving them afterwards, and
--- re-reading files that a tool changed on disk. It never asks a person and never overwrites
--- what changed on disk behind a buffer.

local M = {}

--- The loaded buffer of a document, nil when it is not open.
---@param uri string
---@return integer?
local function loaded(uri)
  local path = vim.uri_to_fname(uri)
  local real = vim.uv.fs_realpath(path) or path
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    local name = vim.api.nvim_buf_is_loaded(buffer) and vim.api.nvim_buf_get_name(buffer) or ""
    if name ~= "" and (name == path or vim.uv.fs_realpath(name) == real) then
      return buffer
    end
  end
end

---@param uri string
---@return string the document's path as a person reads it
function M.short(uri)
  return vim.fn.fnamemodify(vim.uri_to_fname(uri), ":~:.")
end

--- Answers `workspace/applyEdit`. Neovim's own handler says "applied" of an edit made for an older
--- version too; the agent has to know that nothing was done.
---@param params {edit: table, label?: string}
---@param encoding string
---@return {applied: boolean, failureReason?: string}
function M.apply_edit(params, encoding)
  for _, change in ipairs(params.edit.documentChanges or {}) do
    local document = change.textDocument
    local buffer = document and loaded(document.uri)
    if buffer then
      local version = vim.lsp.util.buf_versions[buffer]
      if document.version and version and version ~= document.version then
        local reason = ("%s changed since version %d"):format(M.short(document.uri), document.version)
        return { applied = false, failureReason = reason }
      elseif not vim.bo[buffer].modifiable then
        return { applied = false, failureReason = M.short(document.uri) .. " is not modifiable here" }
      end
    end
  end
  local ok, err = pcall(vim.lsp.util.apply_workspace_edit, params.edit, encoding)
  return { applied = ok, failureReason = not ok and tostring(err) or nil }
end

---@class pillion.Published what the server has said of a document last
---@field params {uri: string, diagnostics: table[]}
---@field context lsp.HandlerContext
---@field shown? table[]

---@type table<string, pillion.Published> by URI
local published = {}

--- Those that no other source shows on that line with the same code. A failed test is always shown.
---@param buffer integer
---@param namespace integer Pillion's own
---@param diagnostics table[]
---@return table[]
local function unshown(buffer, namespace, diagnostics)
  local known = {}
  for _, other in ipairs(vim.diagnostic.get(buffer)) do
    if other.namespace ~= namespace and other.code then
      known[("%d %s"):format(other.lnum, other.code)] = true
    end
  end
  return vim.tbl_filter(function(diagnostic)
    local is_test = type(diagnostic.data) == "table" and type(diagnostic.data.test) == "string"
    return is_test or not known[("%d %s"):format(diagnostic.range.start.line, diagnostic.code)]
  end, diagnostics)
end

--- Shows what was published of a document, where that is not what is shown.
---@param last pillion.Published
local function show(last)
  local params, context = last.params, last.context
  local buffer = loaded(params.uri)
  local namespace = vim.lsp.diagnostic.get_namespace(context.client_id)
  local shown = buffer and unshown(buffer, namespace, params.diagnostics) or params.diagnostics
  if vim.deep_equal(shown, last.shown) then
    return
  end
  last.shown = shown
  local told = vim.tbl_extend("force", params, { diagnostics = shown })
  vim.lsp.handlers["textDocument/publishDiagnostics"](nil, told, context)
  local typing = vim.api.nvim_get_mode().mode:match("^[iR]") ~= nil
  if buffer and typing and buffer ~= vim.api.nvim_get_current_buf() then
    vim.diagnostic.show(namespace, buffer, nil, { update_in_insert = true })
  end
end

--- Takes diagnostics by Neovim's own path. That one holds them back while someone types, in whatever
--- buffer: who types a message in the prompt is to see the failing line at once.
---@param _? table
---@param params {uri: string, diagnostics: table[]}
---@param context lsp.HandlerContext
function M.publish(_, params, context)
  published[params.uri] = { params = params, context = context }
  show(published[params.uri])
  if #params.diagnostics == 0 then
    published[params.uri] = nil
  end
end

--- The diagnostics of a buffer are others: what they say is not said twice.
---@param buffer integer
function M.others_changed(buffer)
  local of = vim.api.nvim_buf_is_loaded(buffer) and published[vim.uri_from_bufnr(buffer)]
  if of and vim.lsp.get_client_by_id(of.context.client_id) then
    show(of)
  end
end

---@param buffer integer
---@return string? key changes when the file does
local function stamp(buffer)
  local stat = vim.uv.fs_stat(vim.api.nvim_buf_get_name(buffer))
  return stat and ("%d.%d:%d"):format(stat.mtime.sec, stat.mtime.nsec, stat.size) or nil
end

---@class pillion.Documents
---@field private stamps table<integer, string?> each buffer's file as it was last read or written
local Documents = {}
Documents.__index = Documents

---@return pillion.Documents
function M.new()
  return setmetatable({ stamps = {} }, Documents)
end

--- Remembers the file of a buffer as it is now: called when the buffer was read or written.
---@param buffer integer
function Documents:note(buffer)
  self.stamps[buffer] = stamp(buffer)
end

---@param buffer integer
function Documents:forget(buffer)
  self.stamps[buffer] = nil
end

---@return string? why it could not be saved
function Documents:save_one(uri)
  local buffer = loaded(uri)
  if not buffer then
    return "it is not open"
  elseif not vim.bo[buffer].modified then
    return nil
  elseif vim.bo[buffer].readonly then
    return "it is read-only"
  elseif self.stamps[buffer] and self.stamps[buffer] ~= stamp(buffer) then
    return "it changed on disk" -- a plain :write would stop and ask
  end
  local ok, err = pcall(vim.api.nvim_buf_call, buffer, function()
    vim.cmd("silent write") -- with autocommands: the person's format-on-save runs
  end)
  if not ok then
    return (tostring(err):gsub("^.-(E%d+:)", "%1"))
  end
  return vim.bo[buffer].modified and "it is still modified" or nil
end

--- Answers `pillion/document/save`.
---@param uris string[]
---@return {saved: string[], failed: {uri: string, reason: string}[]}
function Documents:save(uris)
  local reply = { saved = {}, failed = {} }
  for _, uri in ipairs(uris) do
    local reason = self:save_one(uri)
    if reason then
      table.insert(reply.failed, { uri = uri, reason = reason })
    else
      table.insert(reply.saved, uri)
    end
  end
  return reply
end

--- Re-reads clean buffers whose file changed on disk; one with unsaved text is left alone.
---@param buffers integer[]
function M.reload(buffers)
  for _, buffer in ipairs(buffers) do
    local valid = vim.api.nvim_buf_is_valid(buffer) and vim.api.nvim_buf_is_loaded(buffer)
    if valid and not vim.bo[buffer].modified and vim.bo[buffer].buftype == "" then
      local auto = vim.bo[buffer].autoread
      if auto == nil then
        auto = vim.go.autoread
      end
      if auto then -- without it Neovim would stop and ask
        pcall(vim.cmd.checktime, buffer)
      end
    end
  end
end

return M
