--- Choosing: older sessions, the model, the mode.

local app = require("pillion.app")
local protocol = require("pillion.protocol")
local state = require("pillion.state")

local M = {}

local methods = protocol.methods

---@param owner pillion.App
local function list(owner)
  owner:request(methods.session_list, { limit = 50 }, function(reply)
    if #reply.sessions == 0 then
      return app.say("no sessions yet")
    end
    vim.ui.select(reply.sessions, {
      prompt = "Which session?",
      kind = "pillion_session",
      format_item = function(session)
        local title = session.title or "Untitled"
        local day = (session.updatedAt or ""):match("^%d+-%d+-%d+") or ""
        return ("%s · %d turns · %s"):format(title, session.turns or 0, day)
      end,
    }, function(session)
      if session then
        require("pillion.chat").open()
        owner:load_session(session.sessionId)
      end
    end)
  end)
end

---@type table<string, fun(owner: pillion.App, text: string)>
local run = {
  list = list,
  new = function(owner)
    owner:new_session()
    require("pillion.chat").open()
  end,
  rename = function(owner, text)
    owner:with_session(function(session)
      if text == "" then
        return app.say("which title? :Pillion session rename TITLE", vim.log.levels.WARN)
      end
      owner:request(methods.session_rename, { sessionId = session.id, title = text })
    end)
  end,
  delete = function(owner)
    owner:with_session(function(session)
      vim.ui.select({ "Keep it", "Delete it" }, {
        prompt = ("Delete `%s`?"):format(session.title or "this session"),
      }, function(choice)
        if choice == "Delete it" then
          owner:request(methods.session_delete, { sessionId = session.id }, function()
            owner:new_session()
          end)
        end
      end)
    end)
  end,
  export = function(owner, text)
    owner:with_session(function(session)
      local format = text ~= "" and text or "markdown"
      owner:request(methods.session_export, { sessionId = session.id, format = format }, function(reply)
        vim.cmd("tabnew")
        vim.bo.buftype = "nofile"
        vim.bo.filetype = format == "markdown" and "markdown" or "json"
        vim.api.nvim_buf_set_lines(0, 0, -1, false, vim.split(reply.text, "\n", { plain = true }))
      end)
    end)
  end,
}

--- `:Pillion session {list|new|rename|delete|export}`.
---@param owner pillion.App
---@param action string
---@param text string
function M.run(owner, action, text)
  if not run[action] then
    return app.say(
      ("`session %s` is not known: list, new, rename, delete, export"):format(action),
      vim.log.levels.WARN
    )
  end
  run[action](owner, text)
end

--- Sets the mode, or lets the person choose one.
---@param owner pillion.App
---@param id? string
function M.mode(owner, id)
  owner:with_session(function(session)
    local function set(mode)
      owner:request(methods.session_set_mode, { sessionId = session.id, mode = mode })
    end
    if id then
      return set(id)
    end
    vim.ui.select(session.modes, {
      prompt = ("Mode (now: %s)"):format(session.mode or "?"),
      kind = "pillion_mode",
      format_item = function(mode)
        return ("%s: %s"):format(mode.name or mode.id, mode.description or "")
      end,
    }, function(mode)
      if mode then
        set(mode.id)
      end
    end)
  end)
end

--- A model as the server lists it, as a name: a string, or an object with an id.
local function model_id(model)
  return type(model) == "table" and (model.id or model.model or model.name) or model
end

--- Asks which models there are, and remembers their names for the completion.
---@param owner pillion.App
---@param session? pillion.Session
---@param on_list? fun(models: table[], reply: table)
---@param on_error? fun(err: table): boolean?
local function list_models(owner, session, on_list, on_error)
  owner:request(methods.model_list, { sessionId = session and session.id }, function(reply)
    owner.models = vim.tbl_map(model_id, reply.models or {})
    if on_list then
      on_list(reply.models or {}, reply)
    end
  end, on_error)
end

--- The names of the models, as they were listed last; they are listed anew for the next time.
---@param owner pillion.App
---@return string[]
function M.model_names(owner)
  list_models(owner, state.current(owner.state), nil, function()
    return true -- a completion says nothing
  end)
  return owner.models or {}
end

--- A model in the list: its name, who serves it where that is not said by the name, and what to know of it.
local function model_line(model)
  if type(model) ~= "table" then
    return model
  end
  local words = { model.id or model.name }
  if model.name and model.name ~= model.id then
    table.insert(words, ("(%s)"):format(model.name))
  end
  if model.contextWindow then
    table.insert(words, ("%dk"):format(math.floor(model.contextWindow / 1000)))
  end
  table.insert(words, model.current and "now" or model.offered and "offered" or nil)
  return table.concat(words, "  ")
end

--- Sets the model, or lets the person choose one.
---@param owner pillion.App
---@param id? string
function M.model(owner, id)
  owner:with_session(function(session)
    local function set(model)
      owner:request(methods.session_set_model, { sessionId = session.id, model = model })
    end
    if id then
      return set(id)
    end
    list_models(owner, session, function(models, reply)
      for _, provider in ipairs(reply.providers or {}) do
        if provider.state == "failed" then
          app.say(("%s: %s"):format(provider.name, provider.message), vim.log.levels.WARN)
        end
      end
      vim.ui.select(models, {
        prompt = "Model",
        kind = "pillion_model",
        format_item = model_line,
      }, function(model)
        if model then
          set(model_id(model))
        end
      end)
    end)
  end)
end

return M
