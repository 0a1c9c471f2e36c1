/** Models: the list, keys, and the models that the editor lends. */

export type ProviderId =
  "anthropic" | "openai" | "openrouter" | "ollama" | "llamacpp" | "vllm" | "lmstudio" | "editor" | "offline";

export interface ModelListParams {
  /** Whose model is `current`. */
  sessionId?: string;
}

export interface ModelInfo {
  /** What `pillion/session/set_model` takes. */
  id: string;
  name: string;
  provider: ProviderId;
  contextWindow: number | null;
  maxOutput: number | null;
  tools: boolean | null;
  warning: string | null;
  current: boolean;
  /** Nobody has chosen it. */
  offered: boolean;
}

export interface ProviderInfo {
  id: ProviderId;
  name: string;
  state: "ready" | "offered" | "failed" | "not_configured" | "absent";
  message: string | null;
}

export interface ModelListResult {
  models: ModelInfo[];
  providers: ProviderInfo[];
}

export interface SetSecretParams {
  provider: ProviderId;
  /** Null takes it back. */
  secret: string | null;
  /** True unless told. */
  persist?: boolean;
}

export interface OfferedModel {
  id: string;
  name?: string;
  contextWindow?: number;
  maxOutput?: number;
  tools?: boolean;
}

export interface OfferModelsParams {
  /** All of them, the favourite first. */
  models: OfferedModel[];
}

/** A request to a model that the client lends. */
export interface CompleteParams {
  requestId: string;
  /** Null: whichever the client prefers. */
  model: string | null;
  system: string;
  messages: ModelMessage[];
  tools: ModelTool[];
  maxTokens: number;
}

export interface ModelMessage {
  role: "user" | "assistant";
  content: MessagePart[];
}

export type MessagePart =
  | { type: "text"; text: string }
  | { type: "image"; data: string; mimeType: string }
  | { type: "tool_call"; callId: string; name: string; input: unknown }
  | { type: "tool_result"; callId: string; content: string; isError: boolean };

export interface ModelTool {
  name: string;
  description: string;
  inputSchema: object;
}

export interface ModelChunkParams {
  requestId: string;
  part: ChunkPart;
}

export type ChunkPart =
  | { type: "text"; text: string }
  | { type: "thinking"; text: string }
  | { type: "tool_call"; callId: string; name: string; input: unknown };

export interface CompleteResult {
  stopReason?: "end_turn" | "tool_use" | "max_tokens" | "refusal";
  usage?: { inputTokens?: number; outputTokens?: number; cacheReadTokens?: number };
  model?: string;
}
