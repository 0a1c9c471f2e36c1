--- Messages that only a model could have answered, said while there was none: they are kept, and sent once
--- their session has one. Knows no view and asks no server; sending is the owner's.

local M = {}

---@class pillion.Awaiting
---@field said table<string, pillion.ContentBlock[]> what was said in the running turn, by the ids of its prompts
---@field kept? {session: string, prompts: pillion.ContentBlock[][]}
local Awaiting = {}
Awaiting.__index = Awaiting

---@return pillion.Awaiting
function M.new()
  return setmetatable({ said = {} }, Awaiting)
end

---@param prompt_id string
---@param blocks pillion.ContentBlock[]
function Awaiting:sent(prompt_id, blocks)
  self.said[prompt_id] = blocks
end

--- A turn is over. True when something of it is kept: that of the newest such turn alone is.
---@param session string
---@param needs_model string[] the ids of the prompts that need one
---@return boolean
function Awaiting:ended(session, needs_model)
  local prompts = {}
  for _, id in ipairs(needs_model) do
    prompts[#prompts + 1] = self.said[id]
  end
  self.said = {}
  if #prompts == 0 then
    return false
  end
  self.kept = { session = session, prompts = prompts }
  return true
end

--- What can be sent by now: the session has a model, or another one than it had.
---@param session? pillion.Session
---@return pillion.ContentBlock[][]
function Awaiting:ready(session)
  local kept = self.kept
  if not kept or not session or session.id ~= kept.session then
    return {}
  end
  if not session.model or session.model == "" or require("pillion.render").is_offline(session.model) then
    return {}
  end
  self.kept = nil
  return kept.prompts
end

return M
