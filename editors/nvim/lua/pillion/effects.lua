--- What follows from a change of the state outside of any view: `User` events, notices, re-reading
--- files that a tool changed.

local M = {}

--- Something that a person should read. Calm: one line, no trace.
---@param text string
---@param level? integer
function M.say(text, level)
  vim.notify("Pillion: " .. text, level or vim.log.levels.INFO)
end

local function event(pattern, data)
  vim.api.nvim_exec_autocmds("User", { pattern = pattern, modeline = false, data = data })
end

---@type table<string, fun(app: pillion.App, effect: table)>
M.perform = {
  task_started = function(_, effect)
    event("PillionTaskStart", { task = effect.task })
  end,
  task_ended = function(app, effect)
    event("PillionTaskEnd", { task = effect.task })
    app:reload()
  end,
  switch = function(app, effect)
    if app.state.current == effect.session then
      app:load_session(effect.to)
    end
  end,
  turn_ended = function(app, effect)
    if app.awaiting:ended(effect.session, effect.needs_model) then
      M.say("your message waits: it is sent once there is a model (:Pillion model)")
    end
    event(
      "PillionTurnEnd",
      { sessionId = effect.session, turnId = effect.turn, stopReason = effect.stop_reason }
    )
  end,
  session = function(app, effect)
    for _, blocks in ipairs(app.awaiting:ready(app.state.sessions[effect.session])) do
      app:prompt(blocks)
    end
  end,
  question = function(app, effect)
    event("PillionQuestion", { question = effect.question })
    if app.config.notify then
      M.say(("needs you: %s (:Pillion answer)"):format(effect.question.title))
    end
  end,
  tool_done = function(app, effect)
    local paths = {}
    for _, block in ipairs(effect.item.content or {}) do
      paths[#paths + 1] = block.type == "diff" and block.path or nil
    end
    local kind = effect.item.tool_kind
    if #paths > 0 then
      app:reload(paths)
    elseif kind ~= "read" and kind ~= "search" and kind ~= "think" then
      app:reload()
    end
  end,
}

return M
